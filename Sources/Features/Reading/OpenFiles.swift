import Synchronization

/// Files that several threads read chunks of, open from one chunk to the next: as many as a process may surely have.
final class OpenFiles: Sendable {
  private let limit: Int
  private let inputs = Mutex<[String: InputFile]>([:])

  init(limit: Int = 128) { self.limit = limit }

  /// Opens the file, unless it is open.
  func input(_ file: DatasetIndex.File) throws -> InputFile {
    if let open = inputs.withLock({ $0[file.path] }) { return open }
    let input = try InputFile(path: file.path, name: file.name)
    inputs.withLock { inputs in
      // Whoever reads one of them still has it open.
      if inputs.count >= limit { inputs.removeAll(keepingCapacity: true) }
      inputs[file.path] = input
    }
    return input
  }
}
