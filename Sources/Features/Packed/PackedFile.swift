import Foundation

/// What a packed file says of itself.
struct PackedFile {
  let encoding: Encoding
  /// Its blocks, as chunks of file `number`.
  let chunks: [Chunk]
  let rows: Int
  /// Of its index, which holds the checksums of its blocks.
  let checksum: UInt32

  static func isPacked(_ input: InputFile) throws -> Bool {
    var magic = [UInt8](repeating: 0, count: 4)
    let count = try magic.withUnsafeMutableBytes { try input.read(into: $0, at: 0) }
    return count == 4 && magic.withUnsafeBytes { $0.number(at: 0, as: UInt32.self) } == PackedFormat.magic
  }

  /// Reads header and index.
  ///
  /// - Throws: `DatasetError.damagedPack`.
  init(_ input: InputFile, number: Int) throws {
    let size = try input.size()
    func damaged(_ reason: String) -> DatasetError { .damagedPack(file: input.name, reason: reason) }
    func read(_ count: Int, at offset: Int) throws -> [UInt8] {
      guard count >= 0, offset >= 0, count <= size - offset else { throw damaged("the packed file ends too early") }
      return try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        initialized = try input.read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
      }
    }
    let head = try read(PackedFormat.headerSize, at: 0)
    let (version, fields, length) = head.withUnsafeBytes {
      ($0.number(at: 4, as: UInt32.self), $0.number(at: 8, as: UInt32.self), $0.number(at: 12, as: UInt32.self))
    }
    guard version == PackedFormat.version else {
      throw damaged("it is of version \(version) of the packed form, this program reads \(PackedFormat.version)")
    }
    let header = try read(PackedFormat.headerSize + Int(length) + 4, at: 0)
    guard header.withUnsafeBytes({ $0.number(at: header.count - 4) }) == Checksum.crc32c(Array(header.dropLast(4)))
    else { throw damaged("its header is damaged") }
    guard
      let encoding = try? JSONDecoder().decode(
        Encoding.self, from: Data(header[PackedFormat.headerSize..<header.count - 4])),
      encoding.fields.count == Int(fields), encoding.isConsistent
    else { throw damaged("its encoding was written by another version of this program") }
    self.encoding = encoding

    let end = try read(PackedFormat.endSize, at: size - PackedFormat.endSize)
    let (offset, rows, blocks, checksum, magic) = end.withUnsafeBytes {
      (
        $0.number(at: 0, as: UInt64.self), $0.number(at: 8, as: UInt64.self), $0.number(at: 16, as: UInt32.self),
        $0.number(at: 20, as: UInt32.self), $0.number(at: 24, as: UInt32.self)
      )
    }
    guard magic == PackedFormat.endMagic else { throw damaged("the packed file ends too early") }
    guard Int(exactly: offset) == size - PackedFormat.endSize - Int(blocks) * PackedFormat.indexEntrySize else {
      throw damaged("its index is damaged")
    }
    let index = try read(size - Int(offset), at: Int(offset))
    guard Checksum.crc32c(Array(index.dropLast(8))) == checksum else { throw damaged("its index is damaged") }
    self.checksum = checksum
    var total = 0
    chunks = try (0..<Int(blocks)).map { block in
      let (start, length, count, checksum) = index.withUnsafeBytes {
        let entry = block * PackedFormat.indexEntrySize
        return (
          $0.number(at: entry, as: UInt64.self), Int($0.number(at: entry + 8, as: UInt32.self)),
          Int($0.number(at: entry + 12, as: UInt32.self)), $0.number(at: entry + 16, as: UInt32.self)
        )
      }
      // A row takes a bit at least, and each of its fields an index.
      guard let start = Int(exactly: start), start <= Int(offset) - length, count <= 8 * length else {
        throw damaged("its index is damaged")
      }
      total += count
      return Chunk(file: number, offset: start, length: length, firstLine: block, rows: count, checksum: checksum)
    }
    guard total == Int(exactly: rows) else { throw damaged("its index is damaged") }
    self.rows = total
  }
}
