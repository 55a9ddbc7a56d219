import Glibc

/// The first records of a file that are not blank, to learn its layout from.
enum FirstRecords {
  /// Where the text begins: behind a byte order mark.
  static func start(of input: InputFile) throws -> Int {
    var mark: [UInt8] = [0, 0, 0]
    _ = try mark.withUnsafeMutableBytes { try input.read(into: $0, at: 0) }
    return mark == [0xEF, 0xBB, 0xBF] ? 3 : 0
  }

  /// - Returns: at most `count` of them, without line ends.
  static func read(_ input: InputFile, count: Int, scan: RecordScan) throws -> [[UInt8]] {
    let size = try input.size()
    let first = try start(of: input)
    let capacity = min(2 * RecordScan.longest, size)
    let bytes = try [UInt8](unsafeUninitializedCapacity: capacity) { buffer, initialized in
      initialized = try input.read(into: UnsafeMutableRawBufferPointer(buffer), at: 0)
    }
    return bytes.withUnsafeBytes { bytes in
      var records: [[UInt8]] = []
      var start = first
      while start < bytes.count, records.count < count {
        let found = scan.end(in: bytes, from: start, isWhole: bytes.count == size)
        guard found != nil || bytes.count == size else { break }
        let lineFeed = found ?? bytes.count
        var end = lineFeed
        if end > start, bytes[end - 1] == 13 { end -= 1 }
        if end > start { records.append(Array(bytes[start..<end])) }
        start = lineFeed + 1
      }
      return records
    }
  }
}
