import Wire

/// The labels and logits of consecutive rows of one evaluation chunk.
public struct ScoreBlock: Sendable {
  public var round: Int
  public var chunk: Int
  /// Position of the first row within the chunk.
  public var firstRow: Int
  public var labels: [Float]
  public var logits: [Float]

  public init(round: Int, chunk: Int, firstRow: Int, labels: [Float], logits: [Float]) {
    self.round = round
    self.chunk = chunk
    self.firstRow = firstRow
    self.labels = labels
    self.logits = logits
  }

  public init(_ message: Message) throws {
    defer { withExtendedLifetime(message) {} }
    let count = try message.count()
    guard let round = Int(exactly: message.header.clock), let chunk = Int(exactly: message.header.request),
      let firstRow = Int(exactly: message.header.samples)
    else { throw WireError.malformed("scores of an impossible place") }
    self.init(
      round: round, chunk: chunk, firstRow: firstRow,
      labels: Array(try message.elements(0, as: Float.self, count: count)),
      logits: Array(try message.elements(1, as: Float.self, count: count)))
  }

  public func message(view: UInt32) -> Message {
    var header = Header(.scores)
    header.view = view
    header.clock = UInt64(round)
    header.request = UInt64(chunk)
    header.samples = UInt64(firstRow)
    header.count = UInt64(labels.count)
    return Message(
      header,
      [labels.withUnsafeBufferPointer(Frame.init(copying:)), logits.withUnsafeBufferPointer(Frame.init(copying:))])
  }
}
