/// One value and how often it occurs.
struct CategoryCount {
  var field: UInt16
  var key: UInt64
  var count: Int
  var text: [UInt8]
}

/// Counts categories in a table of a fixed size, and writes it out sorted whenever it is full.
final class CategoryCounter {
  private(set) var runs: [String] = []
  private let directory: String
  private let name: String

  private let capacity: Int
  private let keys: UnsafeMutablePointer<UInt64>
  /// 0: the cell is free.
  private let counts: UnsafeMutablePointer<UInt32>
  private let fields: UnsafeMutablePointer<UInt16>
  private let texts: UnsafeMutablePointer<UInt32>
  private var used = 0
  /// Lengths (4 bytes) and bytes of the values.
  private let arena: UnsafeMutableRawPointer
  private let arenaCapacity: Int
  private var arenaUsed = 0

  /// Bytes of a cell, and of its place in the order when sorted.
  private static let cellBytes = 8 + 4 + 2 + 4 + 4

  init(bytes: Int, directory: String, name: String) {
    self.directory = directory
    self.name = name
    var cells = 1 << 10
    while 2 * cells * Self.cellBytes <= bytes * 2 / 3 { cells *= 2 }
    capacity = cells
    arenaCapacity = min(max(bytes - cells * Self.cellBytes, 2 * RecordScan.longest), Int(UInt32.max))
    keys = .allocate(capacity: cells)
    counts = .allocate(capacity: cells)
    counts.initialize(repeating: 0, count: cells)
    fields = .allocate(capacity: cells)
    texts = .allocate(capacity: cells)
    arena = .allocate(byteCount: arenaCapacity, alignment: 16)
  }

  deinit {
    keys.deallocate()
    counts.deallocate()
    fields.deallocate()
    texts.deallocate()
    arena.deallocate()
  }

  func count(field: UInt16, key: UInt64, text: ColumnSpan) throws {
    let mask = capacity &- 1
    var cell = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 20) & mask
    while counts[cell] != 0 {
      if keys[cell] == key, fields[cell] == field {
        if counts[cell] == .max { try spill() } else { counts[cell] &+= 1 }
        return counts[cell] == 0 ? try count(field: field, key: key, text: text) : ()
      }
      cell = (cell &+ 1) & mask
    }
    guard used < capacity / 10 * 6, arenaUsed + 4 + text.count <= arenaCapacity else {
      try spill()
      return try count(field: field, key: key, text: text)
    }
    keys[cell] = key
    counts[cell] = 1
    fields[cell] = field
    texts[cell] = UInt32(arenaUsed)
    arena.storeBytes(of: UInt32(text.count), toByteOffset: arenaUsed, as: UInt32.self)
    (arena + arenaUsed + 4).copyMemory(from: text.start, byteCount: text.count)
    // The next length is aligned.
    arenaUsed += (4 + text.count + 3) & ~3
    used += 1
  }

  /// Writes what was counted, by field and key, and begins anew.
  func spill() throws {
    guard used > 0 else { return }
    var order: [UInt32] = []
    order.reserveCapacity(used)
    for cell in 0..<capacity where counts[cell] != 0 { order.append(UInt32(cell)) }
    order.sort { left, right in
      let (left, right) = (Int(left), Int(right))
      return keys[left] != keys[right] ? keys[left] < keys[right] : fields[left] < fields[right]
    }
    let path = "\(directory)/\(name)-\(runs.count)"
    let output = try OutputFile(path: path)
    var bytes: [UInt8] = []
    for cell in order {
      let cell = Int(cell)
      let length = arena.load(fromByteOffset: Int(texts[cell]), as: UInt32.self)
      bytes.append(littleEndian: keys[cell])
      bytes.append(littleEndian: fields[cell])
      bytes.append(littleEndian: counts[cell])
      bytes.append(littleEndian: length)
      bytes.append(contentsOf: UnsafeRawBufferPointer(start: arena + Int(texts[cell]) + 4, count: Int(length)))
      if bytes.count > 1 << 18 {
        try output.write(bytes)
        bytes.removeAll(keepingCapacity: true)
      }
    }
    try output.write(bytes)
    try output.close()
    runs.append(path)
    counts.update(repeating: 0, count: capacity)
    used = 0
    arenaUsed = 0
  }
}
