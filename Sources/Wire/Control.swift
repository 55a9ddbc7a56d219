import Foundation

/// A small value of the control plane, as JSON: an order, a report. What it may be is known to those who exchange it.
public struct Control: Sendable {
  let frame: Frame

  init(frame: Frame) { self.frame = frame }

  public init(_ value: some Encodable) {
    // What we send has no number that JSON lacks, which is the one way to fail.
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    frame = Frame((try? encoder.encode(value)) ?? Data())
  }

  /// - Throws: `WireError.malformed`.
  public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try withExtendedLifetime(frame) {
      do {
        return try decoder.decode(Value.self, from: Data(frame.bytes))
      } catch {
        throw WireError.malformed("no \(Value.self): \(error)")
      }
    }
  }

  public var count: Int { frame.count }
}
