import CISAL

/// CRC-32C (Castagnoli), as in iSCSI, ext4 and SSE 4.2, computed by Intel's ISA-L.
enum Checksum {
  static func crc32c(_ bytes: UnsafeRawBufferPointer, after earlier: UInt32 = 0) -> UInt32 {
    guard let base = bytes.baseAddress else { return earlier }
    // The library reads only, whatever its declaration says.
    let start = UnsafeMutableRawPointer(mutating: base).assumingMemoryBound(to: UInt8.self)
    return ~crc32_iscsi(start, Int32(bytes.count), ~earlier)
  }

  static func crc32c(_ bytes: [UInt8], after earlier: UInt32 = 0) -> UInt32 {
    bytes.withUnsafeBytes { crc32c($0, after: earlier) }
  }
}
