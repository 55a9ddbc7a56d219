import Foundation

/// `make bench`: prints each figure as a ratio to a bound or a baseline that is measured in the same run, since
/// machines are noisy. Docs/Performance.md keeps what it printed on a named machine. `ONLY=recovery,staleness make bench`
/// runs some of them.
let rows = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 500_000
let scratch = try Scratch()
defer { scratch.remove() }

/// Rows of the memory benchmark: enough that what grows with the data would show.
let manyRows = CommandLine.arguments.dropFirst(2).first.flatMap { Int($0) } ?? 5_000_000

let only = ProcessInfo.processInfo.environment["ONLY"]?.split(separator: ",").map(String.init)

func bench(_ name: String, _ body: () throws -> Void) rethrows {
  guard only?.contains(name) ?? true else { return }
  try body()
  print()
}

print("machine: \(ProcessInfo.processInfo.activeProcessorCount) cores\n")
let data = try scratch.synthesize(rows: rows, "train.txt")
try bench("undo") { try UndoBenchmark.run() }
try bench("checkpoint") { try CheckpointBenchmark.run(scratch: scratch) }
try bench("control") { try ControlPlaneBenchmark.run(like: data) }
try bench("speed") { try SpeedBenchmark.run(data, rows: rows, scratch: scratch) }
try bench("scoring") { try ScoringBenchmark.run(data, scratch: scratch) }
try bench("recovery") { try RecoveryBenchmark.run(data, scratch: scratch) }
try bench("staleness") {
  try StalenessBenchmark.run(
    try scratch.synthesize(rows: 150_000, "some.txt"),
    valid: try scratch.synthesize(rows: 50_000, seed: 2, "valid.txt"), scratch: scratch)
}
try bench("memory") {
  try MemoryBenchmark.run(try scratch.synthesize(rows: manyRows, "many.txt"), rows: manyRows, scratch: scratch)
}
