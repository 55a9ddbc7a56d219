import CISAL

/// CRC-32C (Castagnoli), as in iSCSI, ext4 and SSE 4.2, computed by Intel's ISA-L.
enum Checksum {
  static func crc32c(_ bytes: UnsafeRawBufferPointer, after earlier: UInt32 = 0) -> UInt32 {
    guard let base = bytes.baseAddress else { return earlier }
    // The library reads only, whatever its declaration says; and it counts in 32 bits.
    let start = UnsafeMutableRawPointer(mutating: base).assumingMemoryBound(to: UInt8.self)
    var checksum = ~earlier
    for offset in stride(from: 0, to: bytes.count, by: 1 << 30) {
      checksum = crc32_iscsi(start + offset, Int32(min(1 << 30, bytes.count - offset)), checksum)
    }
    return ~checksum
  }

  static func crc32c(_ bytes: [UInt8], after earlier: UInt32 = 0) -> UInt32 {
    bytes.withUnsafeBytes { crc32c($0, after: earlier) }
  }
}
