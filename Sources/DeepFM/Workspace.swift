/// The buffers of one compute thread: made once for a model and a number of rows, then used slice after slice.
///
/// Not thread-safe: one thread at a time.
public final class Workspace<Scalar: ModelScalar> {
  /// Rows there is room for.
  public let rows: Int
  /// `[rows x fields·k]`: the embedding layer's output `a0` (eq. 5).
  let embeddings: UnsafeMutablePointer<Scalar>
  /// As `embeddings`: the loss's gradient with respect to it.
  let embeddingGradient: UnsafeMutablePointer<Scalar>
  /// `[rows x k]`: the sum of a row's embeddings.
  let fieldSums: UnsafeMutablePointer<Scalar>
  /// `[rows]`
  let logits: UnsafeMutablePointer<Scalar>
  /// `[rows]`: `prediction - label`.
  let logitGradient: UnsafeMutablePointer<Scalar>
  /// The embeddings, then per hidden layer its output `[rows x neurons]`.
  let outputs: [UnsafeMutablePointer<Scalar>]
  /// As `outputs`: the loss's gradients with respect to them.
  let outputGradients: [UnsafeMutablePointer<Scalar>]
  /// One row of random numbers for dropout.
  let random: UnsafeMutablePointer<UInt16>

  private let memory: UnsafeMutableRawPointer

  init(rows: Int, embeddingWidth: Int, k: Int, hidden: [Int]) {
    self.rows = rows
    var bytes = 0
    func reserve(_ count: Int, stride: Int = MemoryLayout<Scalar>.stride) -> Int {
      defer { bytes += (count * stride + 63) / 64 * 64 }
      return bytes
    }
    let embeddings = reserve(rows * embeddingWidth)
    let embeddingGradient = reserve(rows * embeddingWidth)
    let fieldSums = reserve(rows * k)
    let logits = reserve(rows)
    let logitGradient = reserve(rows)
    let outputs = hidden.map { reserve(rows * $0) }
    let outputGradients = hidden.map { reserve(rows * $0) }
    let random = reserve((hidden.max() ?? 0) + 4, stride: 2)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: max(64, bytes), alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: max(64, bytes))
    func at(_ offset: Int) -> UnsafeMutablePointer<Scalar> {
      (memory + offset).bindMemory(to: Scalar.self, capacity: 1)
    }
    self.memory = memory
    self.embeddings = at(embeddings)
    self.embeddingGradient = at(embeddingGradient)
    self.fieldSums = at(fieldSums)
    self.logits = at(logits)
    self.logitGradient = at(logitGradient)
    self.outputs = [self.embeddings] + outputs.map(at)
    self.outputGradients = [self.embeddingGradient] + outputGradients.map(at)
    self.random = (memory + random).bindMemory(to: UInt16.self, capacity: 1)
  }

  deinit { memory.deallocate() }
}
