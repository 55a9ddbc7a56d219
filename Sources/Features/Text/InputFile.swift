import Glibc

/// A file that is read at any place.
///
/// The descriptor is closed by the owner; `pread` has no state to share.
final class InputFile: Sendable {
  let name: String
  private let descriptor: Int32

  /// - Parameter name: what messages call the file, where it differs from `path`.
  init(path: String, name: String? = nil) throws {
    self.name = name ?? path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw errno == ENOENT
        ? DatasetError.missing(file: self.name) : .unreadable(file: self.name, reason: String(cString: strerror(errno)))
    }
  }

  deinit { close(descriptor) }

  private func status() throws -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw DatasetError.unreadable(file: name, reason: String(cString: strerror(errno)))
    }
    guard status.st_mode & S_IFMT != S_IFDIR else {
      throw DatasetError.unreadable(file: name, reason: "it is a directory")
    }
    return status
  }

  /// - Throws: `DatasetError.unreadable` for a directory.
  func size() throws -> Int { Int(try status().st_size) }

  /// Whether it can be read at any place: pipes cannot.
  func isRegular() throws -> Bool { try status().st_mode & S_IFMT == S_IFREG }

  /// Reads up to `buffer.count` bytes from `offset`; fewer only at the end of the file.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
    try fill(buffer) { pread(descriptor, $0, $1, offset + $2) }
  }

  /// Reads what comes next, of a pipe for instance; fewer bytes than there is room only at the end.
  func readNext(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    try fill(buffer) { rest, count, _ in Glibc.read(descriptor, rest, count) }
  }

  private func fill(
    _ buffer: UnsafeMutableRawBufferPointer, _ read: (UnsafeMutableRawPointer, Int, _ done: Int) -> Int
  ) throws -> Int {
    var done = 0
    while done < buffer.count {
      let count = read(buffer.baseAddress! + done, buffer.count - done, done)
      if count == 0 { break }
      if count < 0 {
        if errno == EINTR { continue }
        throw DatasetError.unreadable(file: name, reason: String(cString: strerror(errno)))
      }
      done += count
    }
    return done
  }
}
