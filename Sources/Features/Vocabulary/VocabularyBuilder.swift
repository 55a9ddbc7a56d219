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

    enum CodingKeys: String, CodingKey {
      case name, distinct, kept
      case keptOccurrences = "kept_occurrences"
      case occurrences
    }
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
    let counting = (0..<threads).map { thread in
      NamedThread("count-\(thread)") { [self] in
        let runs = Result { try countShare(of: thread, into: directory) { reports.push(.rows($0)) } }
        _ = reports.push(.done(runs))
      }
    }
    defer {
      reports.cancel()
      for thread in counting { thread.join() }
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
    var bytes = ChunkBytes()
    for number in stride(from: thread, to: index.chunks.count, by: threads) {
      let chunk = index.chunks[number]
      guard chunk.rows > 0 else { continue }
      try bytes.readUnchanged(chunk, of: inputs[chunk.file]) { text in
        let columns = index.files[chunk.file].columns
        try encoder.forEachCategory(in: text, of: columns, skipping: chunk.skipped, scratch) {
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
      fields: counts, minimumCount: minimumCount, rows: index.rows, fingerprint: keys.text,
      layout: index.encoding.categoryLayout)
    return counts
  }
}

extension Encoding {
  /// Which fields have categories, in the words of a vocabulary: a value's key depends on the number of its field.
  var categoryLayout: String {
    let texts = fields.enumerated().filter { $1.hasVocabulary && $1.owner == $0 }.map { number, field in
      "\(number) \(field.name)" + (field.indices.map { " \($0.lowerBound)-\($0.upperBound)" } ?? "")
    }
    return "\(format.isDelimited ? "columns" : "indices"): " + texts.joined(separator: ", ")
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
