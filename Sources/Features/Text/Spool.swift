import Foundation

/// Copies of data that cannot be sought, since rows are read in shuffled order: gzip and zstd are undone once, pipes are
/// read once.
struct Spool {
  /// Made when needed.
  let directory: String
  /// Called now and then while a copy is made; what it throws ends that.
  let isAlive: () throws -> Void

  /// A path at which the file's plain bytes can be sought: its own, or that of a copy.
  ///
  /// - Parameters:
  ///   - name: `-` is standard input.
  ///   - number: sets the copies of files of the same name apart.
  func seekable(_ name: String, number: Int) throws -> String {
    let file = try InputFile(path: name == "-" ? "/dev/stdin" : name, name: name == "-" ? "standard input" : name)
    var first = [UInt8](repeating: 0, count: 4)
    if try file.isRegular(), name != "-" {
      let count = try first.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
      guard let decompression = Decompression(firstBytes: first[..<count]) else {
        return URL(fileURLWithPath: name).path
      }
      var offset = 0
      return try copy(name, number: number, decompression) { buffer in
        let count = try file.read(into: buffer, at: offset)
        offset += count
        return count
      }
    }
    var held = try first.withUnsafeMutableBytes { try file.readNext(into: $0) }
    return try copy(file.name, number: number, Decompression(firstBytes: first[..<held])) { buffer in
      // The bytes that told what it is come first.
      let before = held
      held = 0
      buffer.copyBytes(from: first[..<before])
      return try before + file.readNext(into: UnsafeMutableRawBufferPointer(rebasing: buffer[before...]))
    }
  }

  private func copy(
    _ name: String, number: Int, _ decompression: Decompression?,
    _ read: (UnsafeMutableRawBufferPointer) throws -> Int
  ) throws -> String {
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    } catch {
      throw DatasetError.cannotWrite(file: directory, reason: error.localizedDescription)
    }
    let path = "\(directory)/\(number)-\((name as NSString).lastPathComponent).txt"
    let output = try OutputFile(path: path)
    if let decompression {
      try decompression.run(name: name, read: read) {
        try isAlive()
        try output.write($0)
      }
    } else {
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
      defer { buffer.deallocate() }
      while case let count = try read(buffer), count > 0 {
        try isAlive()
        try output.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      }
    }
    try output.close()
    return URL(fileURLWithPath: path).path
  }
}
