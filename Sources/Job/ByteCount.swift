/// An amount of memory, as people write it: `512m`, `4g`, `1.5t`, or bytes. Units are powers of 1024.
public struct ByteCount: Hashable, Sendable, Codable, CustomStringConvertible {
  public var bytes: Int

  public init(bytes: Int) { self.bytes = bytes }

  private static let units: [(letter: Character, bytes: Double)] = [
    ("k", 1024), ("m", 1_048_576), ("g", 1_073_741_824), ("t", 1_099_511_627_776),
  ]

  /// - Throws: `UnknownChoice`.
  public init(named text: String) throws {
    let unit = Self.units.first { $0.letter == text.lowercased().last }
    guard let number = Double(unit == nil ? text : String(text.dropLast())), number > 0,
      number * (unit?.bytes ?? 1) < 1e18
    else { throw UnknownChoice(name: text, choices: ["512m", "4g", "1.5t"]) }
    bytes = Int(number * (unit?.bytes ?? 1))
  }

  /// For a person: to two or three digits.
  public var description: String {
    guard let unit = Self.units.last(where: { Double(bytes) >= $0.bytes }) else { return "\(bytes)" }
    let tenths = (Double(bytes) / unit.bytes * 10).rounded() / 10
    return (tenths == tenths.rounded() || tenths >= 100 ? "\(Int(tenths.rounded()))" : "\(tenths)")
      + String(unit.letter)
  }

  /// What `description` rounds is written whole.
  private var exact: String {
    for unit in Self.units.reversed() where bytes % Int(unit.bytes) == 0 && bytes > 0 {
      return "\(bytes / Int(unit.bytes))\(unit.letter)"
    }
    return "\(bytes)"
  }

  public init(from decoder: any Decoder) throws { self = try decoder.singleText { try Self(named: $0) } }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(exact)
  }
}
