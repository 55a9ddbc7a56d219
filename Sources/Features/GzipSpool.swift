import CZlib
import Foundation

/// Decompresses gzip files once, since rows are read in shuffled order and gzip cannot be sought.
enum GzipSpool {
  private static let bufferSize = 1 << 20

  static func isGzip(_ file: InputFile) throws -> Bool {
    var magic: [UInt8] = [0, 0]
    let count = try magic.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
    return count == 2 && magic == [0x1f, 0x8b]
  }

  /// Writes the contents of a gzip file, of one or more members, to `path`, which appears when it is complete.
  static func decompress(_ file: InputFile, to path: String) throws {
    let partial = path + ".partial"
    guard let output = fopen(partial, "wb") else {
      throw DatasetError.cannotWrite(file: partial, reason: String(cString: strerror(errno)))
    }
    do {
      try inflateAll(file, into: output, path: path)
      guard fclose(output) == 0 else {
        throw DatasetError.cannotWrite(file: path, reason: String(cString: strerror(errno)))
      }
    } catch {
      fclose(output)
      unlink(partial)
      throw error
    }
    guard rename(partial, path) == 0 else {
      throw DatasetError.cannotWrite(file: path, reason: String(cString: strerror(errno)))
    }
  }

  private static func inflateAll(_ file: InputFile, into output: UnsafeMutablePointer<FILE>, path: String) throws {
    var stream = z_stream()
    // 15 window bits, + 32: recognise gzip and zlib headers.
    guard inflateInit2_(&stream, 47, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw DatasetError.unreadable(file: file.name, reason: "zlib cannot start")
    }
    defer { inflateEnd(&stream) }
    let source = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferSize, alignment: 16)
    let target = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferSize, alignment: 16)
    defer {
      source.deallocate()
      target.deallocate()
    }
    var offset = 0
    var isInMember = false
    while true {
      let count = try file.read(into: source, at: offset)
      if count == 0 { break }
      offset += count
      stream.next_in = source.bindMemory(to: UInt8.self).baseAddress
      stream.avail_in = UInt32(count)
      repeat {
        if !isInMember {
          inflateReset(&stream)
          isInMember = true
        }
        stream.next_out = target.bindMemory(to: UInt8.self).baseAddress
        stream.avail_out = UInt32(target.count)
        let status = inflate(&stream, Z_NO_FLUSH)
        guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
          throw DatasetError.damagedArchive(
            file: file.name, reason: "the gzip data is damaged near byte \(offset - Int(stream.avail_in))")
        }
        let made = target.count - Int(stream.avail_out)
        guard fwrite(target.baseAddress, 1, made, output) == made else {
          throw DatasetError.cannotWrite(file: path, reason: String(cString: strerror(errno)))
        }
        if status == Z_STREAM_END { isInMember = false }
      } while stream.avail_in > 0 || (isInMember && stream.avail_out == 0)
    }
    guard !isInMember else {
      throw DatasetError.damagedArchive(file: file.name, reason: "the gzip data ends too early, at byte \(offset)")
    }
  }
}
