import Foundation

/// A partition's binary form: small, and safe to take from anyone.
///
/// | bytes | |
/// |---|---|
/// | 4 | magic `DFPN` |
/// | 1 | version, 2 |
/// | | the slice |
/// | | number of files; then for each: |
/// | 1 | bit 0: it is packed; bit 1: it has the encoding's columns elsewhere |
/// | | its name, its path; each as 1 byte: how many bytes it begins with that its precursor begins with too; the number of its other bytes; those, in UTF-8 |
/// | 4 | its checksum, little-endian |
/// | | where it has the columns, if bit 1: number of bytes, `FileColumns` as JSON |
/// | | number of chunks; then for each, against the chunk before (of zeros before the first): |
/// | | differences of number and file |
/// | | differences of offset from its end, of length, of first line from the line after its last, of rows |
/// | | number of skipped rows, and how many rows lie before each of them since the one before |
/// | 4 | its checksum, little-endian |
///
/// Numbers whose bytes are not given are of 7 bits a byte, the lowest first, bit 7 set in all but the last (LEB128);
/// differences are folded to be positive first: 0, -1, 1, -2, ... (zigzag). What is decoded takes at most about a
/// hundred times the memory of its bytes.
extension Partition {
  private static let magic: [UInt8] = Array("DFPN".utf8)
  private static let version: UInt8 = 2

  /// Bytes that are no partition.
  public struct Malformed: Error, Equatable, CustomStringConvertible {
    public let reason: String
    /// How many bytes were read.
    public let offset: Int

    public var description: String {
      "a partition of the data is malformed at byte \(offset): \(reason). "
        + "Run the same version of this program everywhere."
    }
  }

  public func encoded() -> [UInt8] {
    var bytes = CompactBytes()
    bytes.bytes.reserveCapacity(64 + 128 * files.count + 24 * chunks.count)
    bytes.bytes += Self.magic
    bytes.bytes.append(Self.version)
    bytes.append(slice)
    bytes.append(files.count)
    var before = DatasetIndex.File(name: "", path: "")
    for file in files {
      bytes.bytes.append((file.isPacked ? 1 : 0) | (file.columns == nil ? 0 : 2))
      bytes.append(file.name, after: before.name)
      bytes.append(file.path, after: before.path)
      bytes.bytes.append(littleEndian: file.checksum)
      if let columns = file.columns {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        // It has no number that JSON lacks.
        bytes.append(String(decoding: (try? encoder.encode(columns)) ?? Data(), as: UTF8.self), after: "")
      }
      before = file
    }
    bytes.append(chunks.count)
    var last = Chunk(file: 0, offset: 0, length: 0, firstLine: 0, rows: 0)
    var lastNumber = 0
    for (chunk, number) in zip(chunks, numbers) {
      bytes.append(difference: number &- lastNumber)
      bytes.append(difference: chunk.file &- last.file)
      bytes.append(difference: chunk.offset &- last.offset &- last.length)
      bytes.append(difference: chunk.length &- last.length)
      bytes.append(difference: chunk.firstLine &- last.firstLine &- last.rows &- last.skipped.count)
      bytes.append(difference: chunk.rows &- last.rows)
      bytes.append(chunk.skipped.count)
      var next = 0
      for row in chunk.skipped {
        bytes.append(row &- next)
        next = row &+ 1
      }
      bytes.bytes.append(littleEndian: chunk.checksum)
      last = chunk
      lastNumber = number
    }
    return bytes.bytes
  }

  /// - Throws: ``Malformed``, whatever else the bytes are.
  public init(decoding bytes: [UInt8]) throws {
    self = try bytes.withUnsafeBytes { try Self.decode($0) }
  }

  private static func decode(_ bytes: UnsafeRawBufferPointer) throws -> Partition {
    var source = CompactSource(bytes)
    func require(_ condition: Bool, _ reason: String) throws {
      if !condition { throw Malformed(reason: reason, offset: source.position) }
    }
    try require(bytes.starts(with: magic), "it does not begin like one")
    source.position = magic.count
    let version = try source.byte()
    // Version 1 had no columns.
    try require(1...Self.version ~= version, "it is of version \(version), this program reads \(Self.version)")
    let slice = try source.number()
    var files: [DatasetIndex.File] = []
    // A file takes nine bytes at least, a chunk eleven.
    for _ in 0..<(try source.count(ofAtLeast: 9)) {
      let flags = try source.byte()
      try require(flags <= 3, "a file is of a kind that is not known")
      let name = try source.text(after: files.last?.name ?? "")
      let path = try source.text(after: files.last?.path ?? "")
      files.append(.init(name: name, path: path, isPacked: flags & 1 == 1, checksum: try source.fixed()))
      guard flags & 2 == 2 else { continue }
      let text = try source.text(after: "")
      let columns = try? JSONDecoder().decode(FileColumns.self, from: Data(text.utf8))
      try require(columns != nil, "a file's columns are none")
      files[files.count - 1].columns = columns
    }
    let count = try source.count(ofAtLeast: 11)
    var chunks: [Chunk] = []
    var numbers: [Int] = []
    chunks.reserveCapacity(count)
    numbers.reserveCapacity(count)
    var last = Chunk(file: 0, offset: 0, length: 0, firstLine: 0, rows: 0)
    var rows = 0
    for _ in 0..<count {
      let number = (numbers.last ?? 0) &+ (try source.difference())
      var chunk = last
      chunk.file &+= try source.difference()
      chunk.offset &+= last.length &+ (try source.difference())
      chunk.length &+= try source.difference()
      chunk.firstLine &+= last.rows &+ last.skipped.count &+ (try source.difference())
      chunk.rows &+= try source.difference()
      try require(files.indices.contains(chunk.file), "a chunk is in no file")
      // More than any data have, so that no sum overflows. A packed row takes a bit at least.
      try require(
        [number, chunk.offset, chunk.length, chunk.firstLine].allSatisfy { 0...1 << 56 ~= $0 },
        "a chunk is outside of all data")
      try require(chunk.rows >= 0 && chunk.rows <= 8 * chunk.length, "a chunk has rows without bytes")
      rows += chunk.rows
      try require(rows <= 1 << 60, "its rows cannot be counted")
      chunk.skipped = []
      let skipped = try source.count(ofAtLeast: 1)
      var next = 0
      for _ in 0..<skipped {
        let (row, overflow) = next.addingReportingOverflow(try source.number())
        try require(!overflow && row < Int.max, "a row cannot be counted")
        chunk.skipped.append(row)
        next = row + 1
      }
      chunk.checksum = try source.fixed()
      chunks.append(chunk)
      numbers.append(number)
      last = chunk
    }
    try require(source.position == bytes.count, "something follows it")
    return Partition(slice: slice, files: files, chunks: chunks, numbers: numbers)
  }
}

/// As its binary form, so that JSON that holds partitions stays small too.
extension Partition: Codable {
  public init(from decoder: any Decoder) throws {
    try self.init(decoding: Array(decoder.singleValueContainer().decode(Data.self)))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(Data(encoded()))
  }
}

private struct CompactBytes {
  var bytes: [UInt8] = []

  mutating func append(_ number: Int) { append(UInt64(bitPattern: Int64(number))) }

  mutating func append(difference: Int) { append(UInt64(bitPattern: Int64(difference << 1 ^ difference >> 63))) }

  private mutating func append(_ number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func append(_ text: String, after before: String) {
    let shared = zip(text.utf8, before.utf8).prefix { $0 == $1 }.prefix(255).count
    let own = text.utf8.dropFirst(shared)
    bytes.append(UInt8(shared))
    append(own.count)
    bytes += own
  }
}

private struct CompactSource {
  var position = 0
  private let bytes: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  private func malformed(_ reason: String) -> Partition.Malformed { .init(reason: reason, offset: position) }

  mutating func byte() throws -> UInt8 {
    guard position < bytes.count else { throw malformed("it ends too early") }
    position += 1
    return bytes[position - 1]
  }

  mutating func fixed() throws -> UInt32 {
    guard bytes.count - position >= 4 else { throw malformed("it ends too early") }
    position += 4
    return bytes.number(at: position - 4)
  }

  private mutating func word() throws -> UInt64 {
    var word: UInt64 = 0
    for shift in stride(from: 0, to: 70, by: 7) {
      let byte = try self.byte()
      guard shift < 63 || byte <= 1 else { break }
      word |= UInt64(byte & 0x7F) << UInt64(shift)
      if byte < 0x80 { return word }
    }
    throw malformed("a number is too large")
  }

  mutating func number() throws -> Int {
    guard let number = Int(exactly: try word()) else { throw malformed("a number is too large") }
    return number
  }

  mutating func difference() throws -> Int {
    let word = try word()
    return Int(truncatingIfNeeded: word >> 1) ^ -Int(truncatingIfNeeded: word & 1)
  }

  /// A number of elements, each of at least so many bytes.
  mutating func count(ofAtLeast size: Int) throws -> Int {
    let count = try number()
    guard count <= (bytes.count - position) / size else { throw malformed("it ends too early") }
    return count
  }

  mutating func text(after before: String) throws -> String {
    let shared = Int(try byte())
    let count = try self.count(ofAtLeast: 1)
    guard shared <= before.utf8.count else { throw malformed("a name begins like one that is shorter") }
    let own = bytes[position..<position + count]
    position += count
    guard let text = String(validating: Array(before.utf8.prefix(shared)) + own, as: UTF8.self) else {
      throw malformed("a name is not in UTF-8")
    }
    return text
  }
}
