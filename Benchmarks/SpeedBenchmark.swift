import Foundation

/// How fast the deep part, one process and a cluster are, each to what bounds it.
enum SpeedBenchmark {
  static func run(_ data: String, rows: Int, scratch: Scratch) throws {
    let bound = MatrixBound.measure()
    print(
      """
      sgemm bound for DeepFM-D, 39 fields x 10, 400-400-400, slices of 512 rows
        one thread     \(Report.gflops(bound.single))   \(Report.rate(bound.samplesPerSecond(bound.single)))
        all cores      \(Report.gflops(bound.all))   \(Report.rate(bound.samplesPerSecond(bound.all)))

      """)
    let reading = try ReadingBenchmark.run(data, scratch: scratch)
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
  }
}
