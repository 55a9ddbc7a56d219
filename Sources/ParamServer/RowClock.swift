import Sharding

/// When a row changed last: the clock after the step that did it, as the bits of the row's last float. Whatever copies, saves or
/// restores a row does so with its clock.
enum RowClock {
  /// Floats that it takes.
  static let width = 1
  /// Later steps cannot be told apart: a run has no more (see `ModelPlan`).
  static let last = UInt64(UInt32.max)

  @inline(__always)
  static func of(_ row: UnsafePointer<Float>, stride: Int) -> UInt64 { UInt64(row[stride &- 1].bitPattern) }

  @inline(__always)
  static func set(_ row: UnsafeMutablePointer<Float>, stride: Int, to clock: UInt64) {
    row[stride &- 1] = Float(bitPattern: UInt32(truncatingIfNeeded: clock))
  }
}
