/// What the model says of consecutive rows of one evaluation chunk, and what is true.
public struct Scores: Sendable {
  public var round: Int
  /// Position of the chunk in the evaluation data.
  public var chunk: Int
  /// Position of the first row within the chunk.
  public var firstRow: Int
  /// `[count]` Floats.
  public var labels: Frame
  /// `[count]` Floats.
  public var logits: Frame

  public init(round: Int, chunk: Int, firstRow: Int, labels: [Float], logits: [Float]) {
    self.round = round
    self.chunk = chunk
    self.firstRow = firstRow
    self.labels = labels.withUnsafeBufferPointer(Frame.init(copying:))
    self.logits = logits.withUnsafeBufferPointer(Frame.init(copying:))
  }

  public var count: Int { labels.count / 4 }

  func write(to fields: inout FieldWriter) -> [Frame] {
    fields.put(UInt64(round))
    fields.put(UInt64(chunk))
    fields.put(UInt64(firstRow))
    return [labels, logits]
  }

  init(_ fields: inout FieldReader, _ arrays: Arrays) throws {
    func number() throws -> Int {
      guard let number = Int(exactly: try fields.get(UInt64.self)) else {
        throw WireError.malformed("scores of an impossible place")
      }
      return number
    }
    round = try number()
    chunk = try number()
    firstRow = try number()
    let count = (arrays.frames.first?.count ?? 0) / 4
    labels = try arrays.frame(0, of: Float.self, count: count)
    logits = try arrays.frame(1, of: Float.self, count: count)
  }
}
