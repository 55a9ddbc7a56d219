/// Room for rows, used again and again: what `SortedRows.merge` writes to.
public final class RowBuffer<Key: FixedWidthInteger & UnsignedInteger & BitwiseCopyable> {
  public private(set) var keys: UnsafeMutablePointer<Key>
  public private(set) var values: UnsafeMutablePointer<Float>
  private var keyCapacity = 1
  private var valueCapacity = 1

  public init() {
    keys = .allocate(capacity: keyCapacity)
    values = .allocate(capacity: valueCapacity)
  }

  deinit {
    keys.deallocate()
    values.deallocate()
  }

  /// Makes room. What was there is lost, and pointers into it with it.
  public func reserve(rows: Int, width: Int) {
    if rows > keyCapacity {
      keys.deallocate()
      keyCapacity = rows + rows / 4
      keys = .allocate(capacity: keyCapacity)
    }
    if rows * width > valueCapacity {
      values.deallocate()
      valueCapacity = rows * width + rows * width / 4
      values = .allocate(capacity: valueCapacity)
    }
  }

  /// Bytes allocated.
  public var bytes: Int { keyCapacity * MemoryLayout<Key>.stride + valueCapacity * 4 }
}
