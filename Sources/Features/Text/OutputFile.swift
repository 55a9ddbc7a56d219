import Glibc

/// A file under way, which appears under its name when it is complete.
package final class OutputFile {
  let path: String
  private let partial: String
  private var stream: UnsafeMutablePointer<FILE>?
  package private(set) var bytes = 0

  package init(path: String) throws {
    self.path = path
    partial = path + ".partial"
    stream = fopen(partial, "wb")
    if stream == nil { throw failure() }
    setvbuf(stream, nil, _IOFBF, 1 << 20)
  }

  /// Without `close`, nothing is left.
  deinit {
    guard let stream else { return }
    fclose(stream)
    unlink(partial)
  }

  private func failure() -> DatasetError {
    .cannotWrite(file: path, reason: String(cString: strerror(errno)))
  }

  package func write(_ bytes: UnsafeRawBufferPointer) throws {
    guard fwrite(bytes.baseAddress, 1, bytes.count, stream) == bytes.count else { throw failure() }
    self.bytes += bytes.count
  }

  package func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

  package func close() throws {
    guard let stream, fflush(stream) == 0, fsync(fileno(stream)) == 0 else { throw failure() }
    self.stream = nil
    guard fclose(stream) == 0, rename(partial, path) == 0 else {
      unlink(partial)
      throw failure()
    }
  }
}
