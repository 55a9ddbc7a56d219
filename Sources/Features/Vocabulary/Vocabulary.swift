import Foundation

/// The values that have keys of their own, by their keys: a set of 64-bit numbers in an open-addressing table.
public final class Vocabulary: Sendable {
  /// Ascending.
  public let keys: [UInt64]
  /// A power of two long, at most half full; 0 is free.
  private let cells: [UInt64]
  private let holdsZero: Bool

  /// - Parameter keys: in any order, each once.
  public init(_ keys: [UInt64]) {
    self.keys = keys.sorted()
    var cells = [UInt64](repeating: 0, count: 1 << max(4, Int.bitWidth - (2 * keys.count).leadingZeroBitCount))
    let mask = UInt64(cells.count - 1)
    for key in keys where key != 0 {
      var cell = Self.cell(key) & mask
      while cells[Int(cell)] != 0 { cell = (cell + 1) & mask }
      cells[Int(cell)] = key
    }
    self.cells = cells
    holdsZero = keys.contains(0)
  }

  /// From the bytes of its keys.
  public convenience init(bytes: Data) {
    self.init(
      bytes.withUnsafeBytes { bytes in (0..<bytes.count / 8).map { bytes.number(at: 8 * $0, as: UInt64.self) } })
  }

  /// Its keys, 8 bytes each, little-endian.
  public var bytes: Data { keys.withUnsafeBytes { Data($0) } }

  @inline(__always)
  private static func cell(_ key: UInt64) -> UInt64 { (key &* 0x9E37_79B9_7F4A_7C15) >> 20 }

  @inline(__always)
  func contains(_ key: UInt64) -> Bool {
    guard key != 0 else { return holdsZero }
    return cells.withUnsafeBufferPointer { cells in
      let mask = UInt64(cells.count &- 1)
      var cell = Self.cell(key) & mask
      while true {
        let found = cells[Int(cell)]
        if found == key { return true }
        if found == 0 { return false }
        cell = (cell &+ 1) & mask
      }
    }
  }
}
