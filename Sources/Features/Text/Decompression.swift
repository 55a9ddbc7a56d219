import CZlib
import CZstd

/// How a file is compressed, told by its first bytes, and how it is undone.
enum Decompression {
  case gzip, zstd

  private static let bufferSize = 1 << 20

  init?(firstBytes: some Collection<UInt8>) {
    if firstBytes.starts(with: [0x1F, 0x8B]) {
      self = .gzip
    } else if firstBytes.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) || Self.isSkippable(firstBytes) {
      self = .zstd
    } else {
      return nil
    }
  }

  /// A frame that zstd passes over; pzstd begins with one.
  private static func isSkippable(_ bytes: some Collection<UInt8>) -> Bool {
    bytes.dropFirst().starts(with: [0x2A, 0x4D, 0x18]) && bytes.first! >> 4 == 5
  }

  /// Undoes a file of one or more members or frames.
  ///
  /// - Parameters:
  ///   - name: the file, for messages.
  ///   - read: fills the buffer, but for the file's last bytes.
  ///   - write: takes what comes out.
  func run(
    name: String, read: (UnsafeMutableRawBufferPointer) throws -> Int, write: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let source = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferSize, alignment: 16)
    let target = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferSize, alignment: 16)
    defer {
      source.deallocate()
      target.deallocate()
    }
    switch self {
    case .gzip: try inflateAll(name, source, target, read, write)
    case .zstd: try decompressAll(name, source, target, read, write)
    }
  }

  private func inflateAll(
    _ name: String, _ source: UnsafeMutableRawBufferPointer, _ target: UnsafeMutableRawBufferPointer,
    _ read: (UnsafeMutableRawBufferPointer) throws -> Int, _ write: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    var stream = z_stream()
    // 15 window bits, + 16: gzip headers.
    guard inflateInit2_(&stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw DatasetError.unreadable(file: name, reason: "zlib cannot start")
    }
    defer { inflateEnd(&stream) }
    var offset = 0
    var isInMember = false
    var isPadded = false
    while true {
      let count = try read(source)
      if count == 0 { break }
      offset += count
      stream.next_in = source.bindMemory(to: UInt8.self).baseAddress
      stream.avail_in = UInt32(count)
      repeat {
        if !isInMember {
          // Zeros pad some files to whole blocks, tapes' for instance.
          while stream.avail_in > 0, stream.next_in.pointee == 0 {
            isPadded = true
            stream.next_in += 1
            stream.avail_in -= 1
          }
          if stream.avail_in == 0 { break }
          guard !isPadded else {
            throw DatasetError.damagedArchive(
              file: name,
              reason: "something follows the zeros behind the gzip data, at byte \(offset - Int(stream.avail_in))")
          }
          inflateReset(&stream)
          isInMember = true
        }
        stream.next_out = target.bindMemory(to: UInt8.self).baseAddress
        stream.avail_out = UInt32(target.count)
        let status = inflate(&stream, Z_NO_FLUSH)
        guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
          throw DatasetError.damagedArchive(
            file: name, reason: "the gzip data is damaged near byte \(offset - Int(stream.avail_in))")
        }
        try write(UnsafeRawBufferPointer(rebasing: target[..<(target.count - Int(stream.avail_out))]))
        if status == Z_STREAM_END { isInMember = false }
      } while stream.avail_in > 0 || (isInMember && stream.avail_out == 0)
    }
    guard !isInMember else {
      throw DatasetError.damagedArchive(file: name, reason: "the gzip data ends too early, at byte \(offset)")
    }
  }

  private func decompressAll(
    _ name: String, _ source: UnsafeMutableRawBufferPointer, _ target: UnsafeMutableRawBufferPointer,
    _ read: (UnsafeMutableRawBufferPointer) throws -> Int, _ write: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    guard let stream = ZSTD_createDStream() else {
      throw DatasetError.unreadable(file: name, reason: "zstd cannot start")
    }
    defer { ZSTD_freeDStream(stream) }
    var offset = 0
    // What zstd says of a frame: 0 once it is whole.
    var wanted = 0
    while true {
      let count = try read(source)
      if count == 0 { break }
      offset += count
      var input = ZSTD_inBuffer(src: source.baseAddress, size: count, pos: 0)
      var isFull = false
      while input.pos < input.size || isFull {
        var output = ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
        wanted = ZSTD_decompressStream(stream, &output, &input)
        guard ZSTD_isError(wanted) == 0 else {
          throw DatasetError.damagedArchive(
            file: name, reason: "the zstd data is damaged near byte \(offset - count + input.pos)")
        }
        try write(UnsafeRawBufferPointer(rebasing: target[..<output.pos]))
        isFull = output.pos == output.size
      }
    }
    guard wanted == 0 else {
      throw DatasetError.damagedArchive(file: name, reason: "the zstd data ends too early, at byte \(offset)")
    }
  }
}
