import Foundation

enum Report {
  static func rate(_ samplesPerSecond: Double) -> String { String(format: "%9.0f samples/s", samplesPerSecond) }
  static func gflops(_ operations: Double) -> String { String(format: "%6.1f GFLOP/s", operations / 1e9) }
  static func share(_ part: Double, of whole: Double) -> String { String(format: "%.0f %%", 100 * part / whole) }
  static func megabytes(_ bytesPerSecond: Double) -> String { String(format: "%6.0f MB/s", bytesPerSecond / 1e6) }
}

/// Seconds a piece of work takes.
func seconds(_ body: () throws -> Void) rethrows -> Double {
  let clock = ContinuousClock()
  let start = clock.now
  try body()
  return (clock.now - start) / .seconds(1)
}
