import Foundation

/// Counts the categories of a data set and keeps the frequent ones, in bounded memory.
///
/// Threads count chunks in tables of a fixed size. A table that is full is written, sorted by key, to a file of its own;
/// at the end the files are merged and what was counted often enough goes into the vocabulary. So memory depends on
/// `memory` alone, and the result on neither the number of threads nor the memory.
public struct VocabularyBuilder: Sendable {
  public struct FieldCount: Codable, Sendable, Hashable {
    public var name: String
    public var distinct = 0
    public var kept = 0
    /// How often kept values occur, of all occurrences.
    public var keptOccurrences = 0
    public var occurrences = 0
  }

  private let index: DatasetIndex
  private let minimumCount: Int
  private let memory: Int
  private let threads: Int

  /// - Parameters:
  ///   - minimumCount: values that occur less often are out of vocabulary.
  ///   - memory: bytes for counting, over all threads.
  public init(_ index: DatasetIndex, minimumCount: Int, memory: Int, threads: Int? = nil) {
    self.index = index
    self.minimumCount = minimumCount
    self.memory = memory
    self.threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
  }

  /// Counts, and writes the vocabulary to `path`, which appears when it is complete.
  ///
  /// - Parameter progress: told of rows done; what it throws ends the work.
  /// - Returns: what became of each field that has categories.
  public func build(to path: String, progress: (Int) throws -> Void = { _ in }) throws -> [FieldCount] {
    if let packed = index.files.first(where: \.isPacked) {
      throw DatasetError.unreadable(
        file: packed.name,
        reason: "packed rows have keys, not values; build the vocabulary from the text they were packed from")
    }
    let scratch = path + ".runs"
    do {
      try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
    } catch {
      throw DatasetError.cannotWrite(file: scratch, reason: error.localizedDescription)
    }
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    let runs = try count(into: scratch, progress: progress)
    return try merge(runs, to: path) { try progress(index.rows) }
  }

  // MARK: Counting

  /// What a thread tells the one that waits for all.
  private enum Report: Sendable {
    case rows(Int)
    case done(Result<[String], any Error>)
  }

  private func count(into directory: String, progress: (Int) throws -> Void) throws -> [String] {
    let reports = BoundedQueue<Report>(capacity: 4 * threads)
    let group = DispatchGroup()
    for thread in 0..<threads {
      group.enter()
      Thread { [self] in
        let runs = Result { try countShare(of: thread, into: directory) { reports.push(.rows($0)) } }
        _ = reports.push(.done(runs))
        group.leave()
      }.start()
    }
    defer {
      reports.cancel()
      group.wait()
    }
    var runs: [String] = []
    var rows = 0
    var left = threads
    while left > 0, let report = reports.pop() {
      switch report {
      case .rows(let more):
        rows += more
        try progress(rows)
      case .done(let result):
        runs += try result.get()
        left -= 1
      }
    }
    return runs
  }

  /// Counts every `threads`-th chunk.
  ///
  /// - Parameter report: told of rows done; returns false where nobody wants the rest.
  private func countShare(of thread: Int, into directory: String, report: (Int) -> Bool) throws -> [String] {
    let counter = CategoryCounter(bytes: memory / threads, directory: directory, name: "\(thread)")
    let inputs = try index.files.map { try InputFile(path: $0.path, name: $0.name) }
    let encoder = RowEncoder(index.encoding)
    let scratch = RowEncoder.Scratch(encoder)
    let owners = index.encoding.fields.map { UInt16($0.owner) }
    var bytes: [UInt8] = []
    for number in stride(from: thread, to: index.chunks.count, by: threads) {
      let chunk = index.chunks[number]
      guard chunk.rows > 0 else { continue }
      if bytes.count < chunk.length { bytes = [UInt8](repeating: 0, count: chunk.length) }
      try bytes.withUnsafeMutableBytes { buffer in
        let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<chunk.length])
        guard try inputs[chunk.file].read(into: part, at: chunk.offset) == chunk.length else {
          throw DatasetError.changed(file: inputs[chunk.file].name)
        }
        try encoder.forEachCategory(in: UnsafeRawBufferPointer(part), skipping: chunk.skipped, scratch) {
          try counter.count(field: owners[$0], key: $1, text: $2)
        }
      }
      guard report(chunk.rows) else { break }
    }
    try counter.spill()
    return counter.runs
  }

  // MARK: Merging

  private func merge(
    _ paths: [String], to path: String, isWanted: () throws -> Void
  ) throws -> [FieldCount] {
    var counts = index.encoding.fields.map { FieldCount(name: $0.name) }
    let file = try VocabularyFile.Writer(path: path)
    var merger = try RunMerger(paths, areIndices: !index.encoding.format.isDelimited)
    var keys = VocabularyFingerprint()
    var entries = 0
    while let entry = try merger.next() {
      entries += 1
      if entries % (1 << 15) == 0 { try isWanted() }
      let field = Int(entry.field)
      counts[field].distinct += 1
      counts[field].occurrences += entry.count
      guard entry.count >= minimumCount else { continue }
      counts[field].kept += 1
      counts[field].keptOccurrences += entry.count
      keys.add(entry.key)
      try file.add(entry)
    }
    counts = counts.enumerated().filter { number, _ in
      index.encoding.fields[number].hasVocabulary && index.encoding.fields[number].owner == number
    }.map(\.element)
    try file.close(
      fields: counts, minimumCount: minimumCount, rows: index.rows, fingerprint: keys.text)
    return counts
  }
}

extension Encoding.Field {
  /// Whether it has categories of its own, rather than numbers or another field's.
  fileprivate var hasVocabulary: Bool {
    switch rule {
    case .category, .categories, .index: true
    case .number, .bucket: false
    }
  }
}

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

/// Reads sorted files of counts as one.
private struct RunMerger {
  private final class Run {
    private let input: InputFile
    private var offset = 0
    private let size: Int
    private var bytes: [UInt8] = []
    private var position = 0
    private(set) var head: CategoryCount?

    init(_ path: String) throws {
      input = try InputFile(path: path)
      size = try input.size()
      try advance()
    }

    private func fill(_ wanted: Int) throws {
      guard bytes.count - position < wanted, offset < size else { return }
      bytes.removeFirst(position)
      position = 0
      let kept = bytes.count
      let count = min(max(1 << 16, wanted), size - offset)
      bytes.append(contentsOf: repeatElement(0, count: count))
      let got = try bytes.withUnsafeMutableBytes {
        try input.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[kept...]), at: offset)
      }
      bytes.removeLast(count - got)
      offset += got
    }

    func advance() throws {
      let fixed = 8 + 2 + 4 + 4
      try fill(fixed)
      guard bytes.count - position >= fixed else {
        head = nil
        return
      }
      let (key, field, count, length) = bytes.withUnsafeBytes {
        (
          $0.number(at: position, as: UInt64.self), $0.number(at: position + 8, as: UInt16.self),
          $0.number(at: position + 10, as: UInt32.self), Int($0.number(at: position + 14, as: UInt32.self))
        )
      }
      try fill(fixed + length)
      let start = position + fixed
      guard start + length <= bytes.count else { throw DatasetError.changed(file: input.name) }
      head = CategoryCount(field: field, key: key, count: Int(count), text: Array(bytes[start..<start + length]))
      position = start + length
    }
  }

  /// The run whose value comes next is the last.
  private var runs: [Run] = []
  private let areIndices: Bool

  /// - Parameter areIndices: keys are features' indices, which several fields may share.
  init(_ paths: [String], areIndices: Bool) throws {
    self.areIndices = areIndices
    for path in paths { place(try Run(path)) }
  }

  private static func isBefore(_ left: Run, _ right: Run) -> Bool {
    guard let left = left.head, let right = right.head else { return false }
    return (left.key, left.field) < (right.key, right.field)
  }

  /// Puts a run where it belongs, unless it is at its end.
  private mutating func place(_ run: Run) {
    guard run.head != nil else { return }
    var low = 0
    var high = runs.count
    while low < high {
      let middle = (low + high) / 2
      if Self.isBefore(run, runs[middle]) { low = middle + 1 } else { high = middle }
    }
    runs.insert(run, at: low)
  }

  private mutating func take() throws -> CategoryCount? {
    guard let run = runs.popLast(), let entry = run.head else { return nil }
    try run.advance()
    place(run)
    return entry
  }

  /// The next value with its count over all runs.
  mutating func next() throws -> CategoryCount? {
    guard var entry = try take() else { return nil }
    while runs.last?.head?.key == entry.key, let same = try take() {
      guard same.text == entry.text, same.field == entry.field || areIndices else {
        throw VocabularyError.collision(
          String(decoding: entry.text, as: UTF8.self), String(decoding: same.text, as: UTF8.self))
      }
      entry.count += same.count
    }
    return entry
  }
}
