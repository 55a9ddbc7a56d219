/// The first bytes of a file, decompressed.
struct SchemaSample {
  static let size = 8 << 20
  /// Records looked at.
  static let rows = 20_000

  private let bytes: [UInt8]
  private let isWhole: Bool

  private struct Enough: Error {}

  /// - Throws: `DatasetError` where the file cannot be read.
  init(_ file: String) throws {
    let input = try InputFile(path: file == "-" ? "/dev/stdin" : file, name: file == "-" ? "standard input" : file)
    var first = [UInt8](repeating: 0, count: 4)
    let held = try first.withUnsafeMutableBytes { try input.readNext(into: $0) }
    var isFirst = true
    func read(_ buffer: UnsafeMutableRawBufferPointer) throws -> Int {
      let before = isFirst ? held : 0
      isFirst = false
      buffer.copyBytes(from: first[..<before])
      return try before + input.readNext(into: UnsafeMutableRawBufferPointer(rebasing: buffer[before...]))
    }
    var bytes: [UInt8] = []
    if let decompression = Decompression(firstBytes: first[..<held]) {
      do {
        try decompression.run(name: input.name, read: read) {
          bytes.append(contentsOf: $0)
          if bytes.count >= Self.size { throw Enough() }
        }
      } catch is Enough {}
    } else {
      bytes = [UInt8](repeating: 0, count: Self.size)
      let count = try bytes.withUnsafeMutableBytes { try read($0) }
      bytes.removeLast(bytes.count - count)
    }
    isWhole = bytes.count < Self.size
    self.bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
  }

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
