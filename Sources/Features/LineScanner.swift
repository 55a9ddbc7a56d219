import Glibc

/// Finds the rows of one file and cuts it into chunks, at the speed of `memchr`.
struct LineScanner {
  private(set) var chunks: [Chunk] = []
  private(set) var rows = 0
  private(set) var firstRow = ""
  private(set) var header: String?

  private let file: Int
  private let name: String
  private let chunkBytes: Int
  private let skipsHeader: Bool
  private var line = 1
  /// A blank line that is an error unless nothing follows.
  private var blankLine: Int?
  private var open: Chunk?

  init(file: Int, name: String, chunkBytes: Int, skipsHeader: Bool) {
    self.file = file
    self.name = name
    self.chunkBytes = chunkBytes
    self.skipsHeader = skipsHeader
  }

  mutating func scan(_ input: InputFile, progress: (Int) throws -> Void) throws {
    let size = try input.size()
    // Room for the longest line, so that a line is always in the buffer as a whole.
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(4 << 20, max(size, 1) + 1), alignment: 16)
    defer { buffer.deallocate() }
    var offset = 0
    while offset < size {
      let count = try input.read(into: buffer, at: offset)
      guard count > 0 else { throw DatasetError.changed(file: name) }
      let isEnd = offset + count >= size
      var start = 0
      while start < count, let found = memchr(buffer.baseAddress! + start, 10, count - start) {
        let end = UnsafeRawPointer(found) - UnsafeRawPointer(buffer.baseAddress!) + 1
        try take(UnsafeRawBufferPointer(rebasing: buffer[start..<end]), at: offset + start)
        start = end
      }
      if isEnd, start < count {
        try take(UnsafeRawBufferPointer(rebasing: buffer[start..<count]), at: offset + start)
        start = count
      }
      guard start > 0 else { throw tooLong }
      offset += start
      try progress(offset)
    }
    close()
  }

  private var tooLong: DatasetError {
    .badRow(
      file: name, line: line,
      reason: "the line is longer than \(DatasetIndex.longestLine >> 20) MiB. Is this a text file with one row a line?")
  }

  /// Takes a line with its newline, if it has one.
  private mutating func take(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
    defer { line += 1 }
    guard bytes.count <= DatasetIndex.longestLine else { throw tooLong }
    if bytes[0] == 10 || (bytes.count <= 2 && bytes[0] == 13) {
      blankLine = blankLine ?? line
      close()
      return
    }
    if let blankLine {
      throw DatasetError.badRow(file: name, line: blankLine, reason: "the line is empty. Remove it")
    }
    if skipsHeader, header == nil {
      header = Self.text(bytes)
      return
    }
    if rows == 0 { firstRow = Self.text(bytes) }
    rows += 1
    if open == nil { open = Chunk(file: file, offset: offset, length: 0, firstLine: line, rows: 0) }
    open!.length += bytes.count
    open!.rows += 1
    if open!.length >= chunkBytes { close() }
  }

  private mutating func close() {
    if let open { chunks.append(open) }
    open = nil
  }

  private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
    var end = bytes.count
    while end > 0, bytes[end - 1] == 10 || bytes[end - 1] == 13 { end -= 1 }
    return String(decoding: bytes[..<end], as: UTF8.self)
  }
}
