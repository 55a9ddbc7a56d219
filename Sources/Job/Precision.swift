/// A form of numbers, of arithmetic or on the wire.
public enum Precision: String, Codable, Sendable, CaseIterable {
  /// IEEE 754 single precision.
  case fp32
}
