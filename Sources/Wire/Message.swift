import Foundation

/// A header and its payload frames: what sockets send and receive.
public struct Message: Sendable {
  public var header: Header
  public var payload: [Frame]

  public init(_ header: Header, _ payload: [Frame] = []) {
    self.header = header
    self.payload = payload
  }

  init(frames: [Frame]) throws {
    guard let first = frames.first else { throw WireError.malformed("no frames") }
    header = try Header(first)
    payload = frames.dropFirst().map { $0.aligned() }
  }

  /// Elements of frame `index`, which must hold exactly `count` of them. They are valid while the message lives: where
  /// nothing else keeps it, `withExtendedLifetime` does.
  public func elements<Element: BitwiseCopyable>(
    _ index: Int, as type: Element.Type, count: Int
  ) throws -> UnsafeBufferPointer<Element> {
    guard payload.indices.contains(index) else {
      throw WireError.malformed("\(header.kind): frame \(index) is missing")
    }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
    guard !overflow, count >= 0, payload[index].count == bytes else {
      throw WireError.malformed(
        "\(header.kind): frame \(index) has \(payload[index].count) bytes, not \(count) elements")
    }
    return payload[index].elements(as: Element.self)
  }

  /// The header's count as an `Int`, refused where it is beyond any message.
  public func count() throws -> Int {
    guard header.count <= UInt64(Message.largestCount) else { throw WireError.malformed("count \(header.count)") }
    return Int(header.count)
  }

  /// No message of ours carries more elements: larger payloads travel in parts.
  public static let largestCount = 1 << 28
}

extension Message {
  /// A small Codable value for the control plane.
  public init(control value: some Encodable, kind: Header.Kind, view: UInt32 = 0) throws {
    var header = Header(kind)
    header.view = view
    self.init(header, [Frame(try JSONEncoder().encode(value))])
  }

  public func control<Value: Decodable>(as type: Value.Type) throws -> Value {
    guard payload.count == 1 else { throw WireError.malformed("control message of \(payload.count) frames") }
    defer { withExtendedLifetime(payload) {} }
    do {
      return try JSONDecoder().decode(Value.self, from: Data(payload[0].bytes))
    } catch {
      throw WireError.malformed("control message: \(error)")
    }
  }

  /// A sentence that tells the asker why it gets no other answer.
  public static func refusal(_ sentence: String, of request: Header) -> Message {
    var header = request
    header.kind = .refusal
    header.count = 0
    return Message(header, [Frame(Array(sentence.utf8))])
  }

  public var sentence: String {
    guard let frame = payload.first else { return "" }
    return withExtendedLifetime(frame) { String(decoding: frame.bytes, as: UTF8.self) }
  }
}
