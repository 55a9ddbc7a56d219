import Glibc
import Sharding

/// What a table will take of a server's memory, before it has any rows.
public struct TableMemory: Sendable {
  /// Floats of a row with its optimizer's state.
  public let stride: Int
  private let hasCandidates: Bool

  /// - Throws: `ServerError.badTable` where the description contradicts itself.
  public init(_ description: TableDescription) throws {
    stride = try RowRules(description, number: 0, seed: 0).stride
    hasCandidates = description.admission != nil || description.eviction != nil
  }

  /// Bytes of a row by itself: its rank, its parameters, its optimizer's state.
  public var rowBytes: Int { 8 + 4 * stride }

  /// Bytes that rows take which are spread over slots by the hash of their keys, so that each slot has a Poisson number.
  ///
  /// - Parameters:
  ///   - rows: in these slots.
  ///   - slots: of `Rank.slots`.
  public func bytes(rows: Double, slots: Double) -> Double {
    guard rows > 0, slots > 0 else { return 0 }
    return slots * Self.expectation(mean: rows / slots) { Double(bytes(rowsInSlot: $0)) }
  }

  /// Bytes that a group of slots takes without rows.
  public var emptyBytes: Int { Rank.slots * MemoryLayout<SlotStore>.stride * (hasCandidates ? 2 : 1) }

  /// Bytes of what can be undone: so many steps, in each of which so many rows change.
  public func undoBytes(steps: Int, rows: Double) -> Double { Double(steps) * 1.25 * rows * Double(rowBytes) }

  private func bytes(rowsInSlot rows: Int) -> Int {
    var capacity = 0
    while capacity < rows { capacity = SlotStore.capacity(after: capacity) }
    return SlotStore.bytes(capacity: capacity, stride: stride)
  }

  /// Of a function of a Poisson number.
  private static func expectation(mean: Double, _ value: (Int) -> Double) -> Double {
    let deviation = mean.squareRoot()
    // Beyond eight deviations there is nothing; where there are many numbers between, some stand for all.
    let span = max(0, Int(mean - 8 * deviation))...Int(mean + 8 * deviation) + 16
    let step = max(1, span.count / 512)
    var (sum, weights) = (0.0, 0.0)
    for number in Swift.stride(from: span.lowerBound, through: span.upperBound, by: step) {
      let weight = exp(Double(number) * log(mean) - mean - lgamma(Double(number) + 1))
      sum += weight * value(number)
      weights += weight
    }
    return sum / weights
  }
}
