import CArchive

/// Reads the files in an archive, or what is compressed, with libarchive: tar, zip, 7z, xz, bzip2, lz4.
final class Archive {
  private let archive: OpaquePointer
  private let file: String

  /// - Parameter file: what messages call it.
  /// - Throws: `DatasetError.damagedArchive`.
  init(_ path: String, file: String) throws {
    // It needs a few KiB.
    archive = archive_read_new()!
    self.file = file
    archive_read_support_filter_all(archive)
    for support in [
      archive_read_support_format_tar, archive_read_support_format_zip, archive_read_support_format_7zip,
      archive_read_support_format_empty, archive_read_support_format_raw,
    ] { _ = support(archive) }
    try check(archive_read_open_filename(archive, path, 1 << 20))
  }

  deinit { archive_read_free(archive) }

  private func check(_ status: Int32) throws {
    guard status < ARCHIVE_WARN else { return }
    let reason = archive_error_string(archive).map { String(cString: $0) } ?? "it cannot be read"
    throw DatasetError.damagedArchive(file: file, reason: reason)
  }

  /// Calls `body` with each regular file in it: its name, nil where it is what was compressed, and what reads its bytes.
  func forEachFile(
    _ body: (_ name: String?, _ read: (UnsafeMutableRawBufferPointer) throws -> Int) throws -> Void
  ) throws {
    var entry: OpaquePointer?
    while true {
      let status = archive_read_next_header(archive, &entry)
      guard status != ARCHIVE_EOF else { return }
      try check(status)
      guard archive_entry_filetype(entry) == S_IFREG else { continue }
      let isRaw = archive_format(archive) & ARCHIVE_FORMAT_BASE_MASK == ARCHIVE_FORMAT_RAW
      let name = isRaw ? nil : archive_entry_pathname(entry).map { String(cString: $0) }
      try body(name) { buffer in
        let count = archive_read_data(archive, buffer.baseAddress, buffer.count)
        guard count >= 0 else {
          try check(Int32(clamping: count))
          return 0
        }
        return count
      }
    }
  }
}
