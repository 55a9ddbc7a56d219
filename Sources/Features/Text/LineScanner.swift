import Glibc

/// Finds the records of one file and cuts it into chunks of whole ones, at the speed of `memchr`.
struct LineScanner {
  private(set) var records = 0
  /// CRC-32C of all bytes but those of records that are too long.
  private(set) var checksum: UInt32 = 0
  private var hasSeenHeader = false
  /// Lines in the middle that are the header once more, as in files that were put together.
  private(set) var repeatedHeaders = 0

  private let file: Int
  private let name: String
  private let chunkBytes: Int
  /// The first record, where that names the columns.
  private let header: [UInt8]?
  private let scan: RecordScan
  private var line = 1
  private var open: Chunk?
  /// Blank lines behind the open chunk, which end the file or are bad rows.
  private var blanks: Chunk?

  init(file: Int, name: String, chunkBytes: Int, header: [UInt8]?, scan: RecordScan) {
    self.file = file
    self.name = name
    self.chunkBytes = chunkBytes
    self.header = header
    self.scan = scan
  }

  /// - Parameters:
  ///   - take: gets each chunk as it is cut; `rows` counts its records, good or bad. A record that is too long is a
  ///     chunk without bytes.
  ///   - progress: told of the bytes done.
  mutating func scan(_ input: InputFile, take: (Chunk) throws -> Void, progress: (Int) throws -> Void) throws {
    let size = try input.size()
    // Room for the longest record, so that one is always in the buffer as a whole.
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(4 * RecordScan.longest, max(size, 1) + 1), alignment: 16)
    defer { buffer.deallocate() }
    var offset = try FirstRecords.start(of: input)
    while offset < size {
      let count = try input.read(into: buffer, at: offset)
      guard count > 0 else { throw DatasetError.changed(file: name, line: line) }
      let isEnd = offset + count >= size
      let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
      var start = 0
      while start < count, let end = scan.end(in: bytes, from: start, isWhole: isEnd) {
        try add(UnsafeRawBufferPointer(rebasing: bytes[start...end]), at: offset + start, take)
        start = end + 1
      }
      if isEnd, start < count {
        try add(UnsafeRawBufferPointer(rebasing: bytes[start...]), at: offset + start, take)
        start = count
      }
      checksum = Checksum.crc32c(UnsafeRawBufferPointer(rebasing: bytes[..<start]), after: checksum)
      if start == 0 { start = try skipLongRecord(input, buffer, at: offset, take) - offset }
      offset += start
      try progress(offset)
    }
    try close(take)
  }

  /// Makes a chunk without bytes of a record that is too long. Returns where the next begins.
  private mutating func skipLongRecord(
    _ input: InputFile, _ buffer: UnsafeMutableRawBufferPointer, at start: Int, _ take: (Chunk) throws -> Void
  ) throws -> Int {
    try close(take)
    try take(Chunk(file: file, offset: start, length: 0, firstLine: line, rows: 1))
    records += 1
    line += 1
    var offset = start
    while true {
      let count = try input.read(into: buffer, at: offset)
      guard count > 0 else { return offset }
      if let found = memchr(buffer.baseAddress!, 10, count) {
        return offset + (UnsafeRawPointer(found) - UnsafeRawPointer(buffer.baseAddress!)) + 1
      }
      offset += count
    }
  }

  /// Takes a record with its line end, if it has one.
  private mutating func add(_ bytes: UnsafeRawBufferPointer, at offset: Int, _ take: (Chunk) throws -> Void) throws {
    let firstLine = line
    line += 1
    if scan.hasQuotes, bytes.count > 1 {
      // Line breaks within quotes count too.
      var rest = UnsafeRawBufferPointer(rebasing: bytes.dropLast())
      while let found = memchr(rest.baseAddress!, 10, rest.count) {
        line += 1
        let place = UnsafeRawPointer(found) - rest.baseAddress! + 1
        guard place < rest.count else { break }
        rest = UnsafeRawBufferPointer(rebasing: rest[place...])
      }
    }
    if bytes[0] == 10 || (bytes[0] == 13 && (bytes.count == 1 || bytes[1] == 10)) {
      if blanks == nil { blanks = Chunk(file: file, offset: offset, length: 0, firstLine: firstLine, rows: 0) }
      blanks!.length += bytes.count
      blanks!.rows += 1
      return
    }
    if let header {
      guard hasSeenHeader else {
        hasSeenHeader = true
        blanks = nil
        return
      }
      if Self.isHeader(bytes, header) {
        repeatedHeaders += 1
        try close(take)
        return
      }
    }
    if let blanks {
      extend(by: blanks)
      self.blanks = nil
    }
    extend(by: Chunk(file: file, offset: offset, length: bytes.count, firstLine: firstLine, rows: 1))
    if open!.length >= chunkBytes { try close(take) }
  }

  @inline(__always)
  private static func isHeader(_ record: UnsafeRawBufferPointer, _ header: [UInt8]) -> Bool {
    guard record.count >= header.count, record.count <= header.count + 2, record[0] == header[0] else { return false }
    return record.prefix(header.count).elementsEqual(header)
      && record.dropFirst(header.count).allSatisfy { $0 == 10 || $0 == 13 }
  }

  private mutating func extend(by part: Chunk) {
    records += part.rows
    guard open != nil else {
      open = part
      return
    }
    open!.length += part.length
    open!.rows += part.rows
  }

  private mutating func close(_ take: (Chunk) throws -> Void) throws {
    if let open { try take(open) }
    open = nil
  }
}
