import Sharding

/// When a row changed last: the clock after the step that did it, as the bits of the row's last float. Whatever copies, saves or
/// restores a row does so with its clock. It has 32 bits: a run has no more steps (`TableDescription.mostSteps`).
enum RowClock {
  /// Floats that it takes.
  static let width = 1

  @inline(__always)
  static func of(_ row: UnsafePointer<Float>, stride: Int) -> UInt64 { UInt64(row[stride &- 1].bitPattern) }

  @inline(__always)
  static func set(_ row: UnsafeMutablePointer<Float>, stride: Int, to clock: UInt64) {
    row[stride &- 1] = Float(bitPattern: UInt32(truncatingIfNeeded: clock))
  }
}
