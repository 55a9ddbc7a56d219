/// What random numbers are for is the first word of their generator's key, so that no two uses share draws.
enum DrawPurpose {
  static let chunkOrder: UInt64 = 1
  static let windowOrder: UInt64 = 2
  static let synthesizedRow: UInt64 = 3
  static let plantedTruth: UInt64 = 4
  static let statisticsSample: UInt64 = 5
  static let split: UInt64 = 6
  static let partition: UInt64 = 7
  static let negativeSampling: UInt64 = 8
  static let chanceOrder: UInt64 = 9
}
