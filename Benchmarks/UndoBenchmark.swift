import Foundation
import ParamServer
import Sharding

/// What keeping old rows costs a server: nanoseconds a row of `apply` with an undo log and without.
enum UndoBenchmark {
  private struct Case {
    var name: String
    /// Parameters of a row.
    var width: Int
    /// Rows of the table, and those of them that a step touches.
    var rows: Int
    var touched: Int
    var steps: Int
  }

  private static let cases = [
    Case(name: "sparse rows of 11, Adam", width: 11, rows: 400_000, touched: 40_000, steps: 20),
    Case(name: "dense blocks of 1024, Adam", width: 1024, rows: 232, touched: 232, steps: 30),
  ]

  static func run() throws {
    print("a server's apply, with steps kept to be undone")
    for measured in cases {
      // Rounds take turns, so that what else the machine does meets all alike; the best of each counts.
      var best = [0: Double.infinity, 2: .infinity, 8: .infinity]
      for _ in 0..<9 {
        for depth in best.keys.sorted() { best[depth] = min(best[depth]!, try nanoseconds(measured, undoDepth: depth)) }
      }
      let plain = best[0]!
      let columns = best.keys.sorted().map { depth in
        "depth \(depth) \(String(format: "%7.1f", best[depth]!)) ns"
          + (depth == 0 ? "" : " (\(String(format: "%+.0f", 100 * (best[depth]! / plain - 1))) %)")
      }
      print(
        "    \(measured.name.padding(toLength: 28, withPad: " ", startingAt: 0)) \(columns.joined(separator: "   "))")
    }
  }

  /// For each row that a step touches.
  private static func nanoseconds(_ measured: Case, undoDepth: Int) throws -> Double {
    let width = measured.width
    let columns = [TableDescription.Columns(name: "v", width: width, initializer: .normal(deviation: 0.01))]
    var table = try Table(
      TableDescription(
        name: "rows", regions: [.init(firstKey: 0, columns: columns)], optimizer: .adam(learningRate: 1e-3)),
      number: 0, seed: 1, undoDepth: undoDepth)
    let all = (0..<UInt64(measured.rows)).map(Rank.of).sorted()
    let stride = measured.rows / measured.touched
    let steps = (0..<stride).map { first in
      let ranks = Swift.stride(from: first, to: all.count, by: stride).map { all[$0] }
      return SortedRows(copying: ranks, values: [Float](repeating: 0.5, count: ranks.count * width), width: width)
    }
    // Every row is there, and the log's memory is too.
    for step in 0..<max(steps.count, 2 * undoDepth) { apply(steps[step % steps.count], to: &table) }
    let time = seconds {
      for step in 0..<measured.steps { apply(steps[step % steps.count], to: &table) }
    }
    return time * 1e9 / Double(measured.steps * steps[0].count)
  }

  private static func apply(_ gradients: SortedRows<UInt64>, to table: inout Table) {
    table.apply(step: table.clock, gradients: gradients, samples: 4096)
  }
}
