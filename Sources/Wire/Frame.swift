import CZeroMQ

/// One frame of a message: bytes that ZeroMQ owns, written and read in place.
///
/// A frame is filled once by its creator, then sent or read: nobody writes to it afterwards. Its bytes start at an
/// 8-byte boundary, so keys and floats in it can be used where they are.
///
/// `@unchecked Sendable`: the bytes do not change after the frame leaves its creator, and libzmq's reference count
/// of a message is atomic.
public final class Frame: @unchecked Sendable {
  var message = zmq_msg_t()

  /// An empty frame that a socket receives into.
  init() { zmq_msg_init(&message) }

  /// A frame of `count` bytes, not yet written.
  public init(count: Int) {
    let status = zmq_msg_init_size(&message, count)
    precondition(status == 0, "out of memory for a message of \(count) bytes")
  }

  public convenience init(_ bytes: some Collection<UInt8>) {
    self.init(count: bytes.count)
    mutableBytes.copyBytes(from: bytes)
  }

  /// A frame that holds the elements of an array of plain numbers, in little-endian order.
  public convenience init<Element: BitwiseCopyable>(copying elements: UnsafeBufferPointer<Element>) {
    self.init(count: elements.count * MemoryLayout<Element>.stride)
    mutableBytes.copyMemory(from: UnsafeRawBufferPointer(elements))
  }

  deinit { zmq_msg_close(&message) }

  public var count: Int { zmq_msg_size(&message) }

  /// The bytes, valid as long as the frame lives: the caller keeps it, with `withExtendedLifetime` where nothing else
  /// does.
  public var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: zmq_msg_data(&message), count: count)
  }

  /// The bytes, to be filled by the frame's creator.
  public var mutableBytes: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: zmq_msg_data(&message), count: count)
  }

  /// The bytes as numbers. A tail that is no whole element is left out: callers check `count` first.
  public func elements<Element: BitwiseCopyable>(as type: Element.Type) -> UnsafeBufferPointer<Element> {
    bytes.bindMemory(to: Element.self)
  }

  public func mutableElements<Element: BitwiseCopyable>(as type: Element.Type) -> UnsafeMutableBufferPointer<Element> {
    mutableBytes.bindMemory(to: Element.self)
  }

  /// This frame, or a copy whose bytes are aligned: libzmq hands out small messages at any address.
  func aligned() -> Frame {
    guard let start = bytes.baseAddress, Int(bitPattern: start) % 8 != 0 else { return self }
    let copy = Frame(count: count)
    withExtendedLifetime((self, copy)) { copy.mutableBytes.copyMemory(from: bytes) }
    return copy
  }
}
