import Foundation

/// `make bench`: prints each figure as a ratio to a bound or a baseline that is measured in the same run, since
/// machines are noisy. Docs/Performance.md keeps what it printed on a named machine.
let rows = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 500_000
let scratch = try Scratch()
defer { scratch.remove() }

/// Rows of the memory benchmark: enough that what grows with the data would show.
let manyRows = CommandLine.arguments.dropFirst(2).first.flatMap { Int($0) } ?? 5_000_000

print("machine: \(ProcessInfo.processInfo.activeProcessorCount) cores\n")
try UndoBenchmark.run()
print()
let data = try scratch.synthesize(rows: rows, "train.txt")

let bound = MatrixBound.measure()
print(
  """
  sgemm bound for DeepFM-D, 39 fields x 10, 400-400-400, slices of 512 rows
    one thread     \(Report.gflops(bound.single))   \(Report.rate(bound.samplesPerSecond(bound.single)))
    all cores      \(Report.gflops(bound.all))   \(Report.rate(bound.samplesPerSecond(bound.all)))

  """)

let reading = try ReadingBenchmark.run(data, scratch: scratch)

try ControlPlaneBenchmark.run(like: data)

let alone = try OneProcess.run(data)
let cluster = try ClusterRun.run(data, scratch: scratch)
let most = bound.samplesPerSecond(bound.all)
print(
  """
  DeepFM-D, \(rows) rows, global batch 4096
    (a) sgemm bound, all cores         \(Report.rate(most))
    (b) one process, without sockets   \(Report.rate(alone))   \(Report.share(alone, of: most)) of (a)
    (c) cluster, 2 servers, 2 workers  \(Report.rate(cluster.samplesPerSecond))   \(Report.share(cluster.samplesPerSecond, of: most)) of (a), \(Report.share(cluster.samplesPerSecond, of: alone)) of (b)
        without asynchronous reading   \(Report.rate(cluster.syncReading))   \(Report.share(cluster.samplesPerSecond, of: cluster.syncReading)) is (c) to this
        (c) waited for data            \(String(format: "%.2f", 100 * cluster.stallShare)) % of the time
        one core parses                \(String(format: "%.0f", reading.rowsPerSecond / cluster.samplesPerSecond)) times the rows of (c)
  """)

print()
try MemoryBenchmark.run(try scratch.synthesize(rows: manyRows, "many.txt"), rows: manyRows, scratch: scratch)
