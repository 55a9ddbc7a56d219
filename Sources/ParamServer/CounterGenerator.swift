import Glibc
import Sharding

/// Where rows start: a pure function of (seed, table, rank, column), so that it depends on neither the server that
/// makes the row nor the moment.
struct CounterGenerator {
  private let base: UInt64

  init(seed: UInt64, table: Int) {
    base = Rank.of(Rank.of(seed) &+ UInt64(table) &+ 1)
  }

  /// In (0, 1): 53 random bits and a half.
  private func uniform(_ row: UInt64, _ counter: Int) -> Double {
    let bits = Rank.of(row &+ UInt64(counter) &* 0x9e37_79b9_7f4a_7c15) >> 11
    return (Double(bits) + 0.5) * 0x1p-53
  }

  /// Writes the starting parameters of a row.
  func fill(_ row: UnsafeMutablePointer<Float>, rank: UInt64, columns: [TableDescription.Columns]) {
    let start = Rank.of(base ^ rank)
    var column = 0
    for group in columns {
      for _ in 0..<group.width {
        row[column] =
          switch group.initializer {
          case .zero: 0
          case .uniform(let bound): Float((uniform(start, 2 * column) * 2 - 1) * bound)
          case .normal(let deviation):
            // Box and Muller 1958.
            Float(
              (-2 * log(uniform(start, 2 * column))).squareRoot() * cos(2 * .pi * uniform(start, 2 * column + 1))
                * deviation)
          }
        column += 1
      }
    }
  }
}
