import Foundation

/// Writes a packed file, a block at a time.
public final class PackedWriter {
  private let output: OutputFile
  private let fields: Int
  private var index: [UInt8] = []
  private var blocks = 0
  public private(set) var rows = 0
  public var bytes: Int { output.bytes }

  /// - Parameter path: where the file appears once it is complete.
  public init(path: String, encoding: Encoding) throws {
    output = try OutputFile(path: path)
    fields = encoding.fields.count
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let json = try encoder.encode(encoding)
    var header: [UInt8] = []
    header.append(littleEndian: PackedFormat.magic)
    header.append(littleEndian: PackedFormat.version)
    header.append(littleEndian: UInt32(fields))
    header.append(littleEndian: UInt32(json.count))
    header.append(contentsOf: json)
    header.append(littleEndian: Checksum.crc32c(header))
    try output.write(header)
  }

  func append(_ block: PackedBlock) throws {
    index.append(littleEndian: UInt64(output.bytes))
    index.append(littleEndian: UInt32(block.bytes.count))
    index.append(littleEndian: UInt32(block.rows))
    let bytes = block.numbered(blocks)
    index.append(contentsOf: bytes[20..<24])
    try output.write(bytes)
    blocks += 1
    rows += block.rows
  }

  public func close() throws {
    let offset = output.bytes
    index.append(littleEndian: UInt64(offset))
    index.append(littleEndian: UInt64(rows))
    index.append(littleEndian: UInt32(blocks))
    index.append(littleEndian: Checksum.crc32c(index))
    index.append(littleEndian: PackedFormat.endMagic)
    try output.write(index)
    try output.close()
  }
}
