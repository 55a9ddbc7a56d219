/// Names a buffer that a layer needs for each row of a slice.
struct Buffer: Sendable, Hashable {
  fileprivate let number: Int
}

/// What a model's layers need, written down while the model is put together.
struct BufferPlan: Sendable {
  /// Elements a row.
  fileprivate private(set) var widths: [Int] = []
  /// Neurons of the widest layer with dropout.
  var widestDropout = 0

  mutating func reserve(perRow width: Int) -> Buffer {
    widths.append(width)
    return Buffer(number: widths.count - 1)
  }
}

/// The buffers of one compute thread: made once for a model and a number of rows, then used slice after slice.
///
/// Not thread-safe: one thread at a time.
public final class Workspace<Scalar: ModelScalar> {
  /// Rows there is room for.
  public let rows: Int
  /// One row of random numbers for dropout.
  let random: UnsafeMutablePointer<UInt16>
  private let buffers: [UnsafeMutablePointer<Scalar>]
  private let memory: UnsafeMutableRawPointer

  init(rows: Int, plan: BufferPlan) {
    self.rows = rows
    // Every buffer starts at a cache line.
    func aligned(_ bytes: Int) -> Int { (bytes + 63) / 64 * 64 }
    let sizes = plan.widths.map { aligned($0 * rows * MemoryLayout<Scalar>.stride) }
    let count = sizes.reduce(aligned((plan.widestDropout + 4) * 2), +)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: count)
    var next = memory
    buffers = sizes.map { size in
      defer { next += size }
      return next.bindMemory(to: Scalar.self, capacity: size / MemoryLayout<Scalar>.stride)
    }
    random = next.bindMemory(to: UInt16.self, capacity: plan.widestDropout + 4)
    self.memory = memory
  }

  deinit { memory.deallocate() }

  /// The buffer's rows, one after the other.
  subscript(_ buffer: Buffer) -> UnsafeMutablePointer<Scalar> { buffers[buffer.number] }
}
