import Foundation

/// The first bytes of some data, as text: those of the first file that has rows.
struct SchemaSample {
  static let size = 8 << 20
  /// Records looked at.
  static let rows = 20_000

  /// The file that they are of.
  let file: DataFile
  /// Columns that are known to be lists.
  let lists: Set<String>
  private let bytes: [UInt8]
  private let isWhole: Bool

  /// - Parameter name: a file, a directory, a pattern, or `-`.
  /// - Throws: `DatasetError` where it cannot be read.
  init(_ name: String) throws {
    let directory = FileManager.default.temporaryDirectory.path + "/deepfm-sample-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let spool = Spool(directory: directory, layout: TextLayout(), mostBytes: Self.size)
    var best: SchemaSample?
    for file in try DataFiles.find([name]) {
      for source in try spool.seekable(file) {
        let sample = try SchemaSample(source)
        if best == nil || sample.hasRows { best = sample }
        if sample.hasRows { break }
      }
      if best?.hasRows ?? false { break }
    }
    guard let best, !best.bytes.isEmpty else { throw DatasetError.empty(file: name) }
    self = best
  }

  private init(_ source: Spool.Source) throws {
    (file, lists) = (source.file, source.lists)
    let input = try InputFile(path: source.path, name: source.file.name)
    guard try !PackedFile.isPacked(input) else {
      throw DatasetError.unreadable(file: input.name, reason: "it is packed, and holds its encoding. Name the text")
    }
    let start = try FirstRecords.start(of: input)
    var bytes = [UInt8](repeating: 0, count: Self.size)
    let count = try bytes.withUnsafeMutableBytes { try input.read(into: $0, at: start) }
    bytes.removeLast(bytes.count - count)
    isWhole = count < Self.size
    self.bytes = bytes
  }

  /// More than a header.
  private var hasRows: Bool { bytes.firstIndex(of: 10).map { $0 < bytes.count - 1 } ?? false }

  /// The whole records of the sample.
  func lines(separator: UInt8, hasQuotes: Bool) -> [String] {
    let scan = RecordScan(separator: separator, hasQuotes: hasQuotes)
    return bytes.withUnsafeBytes { bytes in
      var lines: [String] = []
      var start = 0
      while start < bytes.count, lines.count <= Self.rows {
        let found = scan.end(in: bytes, from: start)
        // The last record of a sample that was cut is no whole one.
        guard found != nil || isWhole else { break }
        var end = found ?? bytes.count
        let next = end + 1
        if end > start, bytes[end - 1] == 13 { end -= 1 }
        if end > start { lines.append(String(decoding: bytes[start..<end], as: UTF8.self)) }
        start = next
      }
      return lines
    }
  }
}
