import Foundation

/// Copies of data that cannot be read at any place, as text in UTF-8: rows are read in shuffled order, so what is compressed is
/// undone once, and pipes are read once.
final class Spool {
  /// Data that can be read at any place.
  struct Source {
    var file: DataFile
    var path: String
    /// Columns that are lists in the table that was written as text.
    var lists: Set<String> = []
  }

  /// Made when needed.
  private let directory: String
  /// How rows of tables are to be written that are no text.
  private let layout: TextLayout
  /// Of a copy; nil: all of it. What is looked at to propose a schema need not be whole.
  private let mostBytes: Int?
  /// Called now and then while a copy is made; what it throws ends that.
  private let isAlive: () throws -> Void
  private var copies = 0

  init(
    directory: String, layout: TextLayout, mostBytes: Int? = nil, isAlive: @escaping () throws -> Void = {}
  ) {
    self.directory = directory
    self.layout = layout
    self.mostBytes = mostBytes
    self.isAlive = isAlive
  }

  private struct Enough: Error {}

  /// Where the plain bytes of a file can be read: its own, or those of a copy; of each file in an archive.
  ///
  /// - Throws: `DatasetError`.
  func seekable(_ file: DataFile) throws -> [Source] {
    guard file.name == "-" else {
      let input = try InputFile(path: file.name)
      guard try !input.isRegular() else {
        return try plain(Source(file: file, path: URL(fileURLWithPath: file.name).path), isCopy: false)
      }
      return try plain(Source(file: file, path: copyAll(input)), isCopy: true)
    }
    var input = file
    input.name = "standard input"
    return try plain(
      Source(file: input, path: copyAll(InputFile(path: "/dev/stdin", name: input.name))), isCopy: true)
  }

  private func copyAll(_ input: InputFile) throws -> String {
    try copy(input.name) { write in
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
      defer { buffer.deallocate() }
      while case let count = try input.readNext(into: buffer), count > 0 {
        try write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      }
    }
  }

  /// - Parameter isCopy: whether the file at the path is ours, and goes once there is a plainer copy.
  private func plain(_ source: Source, isCopy: Bool, depth: Int = 0) throws -> [Source] {
    let input = try InputFile(path: source.path, name: source.file.name)
    let first = try [UInt8](unsafeUninitializedCapacity: FileKind.sampleSize) { buffer, count in
      count = try input.read(into: UnsafeMutableRawBufferPointer(buffer), at: 0)
    }
    let kind = FileKind(first)
    guard kind != .plain else { return [source] }
    guard depth < 4 else {
      throw DatasetError.unreadable(
        file: source.file.name, reason: "it is compressed within what is compressed, \(depth) times")
    }
    let copies = try copies(of: source.file, input, source.path, kind)
    if isCopy { try? FileManager.default.removeItem(atPath: source.path) }
    return try copies.flatMap { try plain($0, isCopy: true, depth: depth + 1) }
  }

  private func copies(of file: DataFile, _ input: InputFile, _ path: String, _ kind: FileKind) throws -> [Source] {
    switch kind {
    case .plain: return [Source(file: file, path: path)]
    case .compressed(let decompression):
      return [
        Source(
          file: file,
          path: try copy(file.name) { try decompression.run(name: file.name, read: reader(of: input), write: $0) })
      ]
    case .archive: return try files(in: file, path)
    case .utf16(let isLittleEndian):
      return [Source(file: file, path: try transcode(file, input, isLittleEndian: isLittleEndian))]
    case .carriageReturns:
      let copy = try copy(file.name) { write in
        try forEachPiece(of: input) { piece, _ in
          for place in piece.indices where piece[place] == 13 { piece[place] = 10 }
          try write(UnsafeRawBufferPointer(piece))
        }
      }
      return [Source(file: file, path: copy)]
    case .parquet:
      let rows = try ParquetRows(path, file: file.name, layout, rows: mostBytes.map { _ in SchemaSample.rows })
      return [Source(file: file, path: try copy(file.name) { try rows.write($0, isAlive) }, lists: rows.lists)]
    case .foreign(let name, let remedy):
      throw DatasetError.unreadable(
        file: file.name,
        reason: "it is \(name). Write its rows to a text file, for instance with\n  "
          + remedy.replacing("FILE", with: file.name))
    }
  }

  private func files(in file: DataFile, _ path: String) throws -> [Source] {
    var found: [Source] = []
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { buffer.deallocate() }
    try Archive(path, file: file.name).forEachFile { name, read in
      guard name.map({ $0.split(separator: "/").allSatisfy { DataFiles.isData(String($0)) } }) ?? true else { return }
      guard mostBytes == nil || found.isEmpty else { return }
      var member = file
      if let name { member.name += "/" + name }
      let copy = try copy(member.name) { write in
        while case let count = try read(buffer), count > 0 {
          try write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
      }
      found.append(Source(file: member, path: copy))
    }
    guard !found.isEmpty else { throw DatasetError.empty(file: file.name) }
    return found
  }

  private func transcode(_ file: DataFile, _ input: InputFile, isLittleEndian: Bool) throws -> String {
    var text = UTF16Text(isLittleEndian: isLittleEndian)
    return try copy(file.name) { write in
      do {
        try forEachPiece(of: input) { piece, isLast in
          try text.utf8(UnsafeRawBufferPointer(piece), isLast: isLast).withUnsafeBytes(write)
        }
      } catch is UTF16Text.Malformed {
        throw DatasetError.unreadable(file: file.name, reason: "it begins like UTF-16, and is none")
      }
    }
  }

  private func forEachPiece(
    of input: InputFile, _ body: (UnsafeMutableRawBufferPointer, _ isLast: Bool) throws -> Void
  ) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { buffer.deallocate() }
    let size = try input.size()
    var offset = 0
    while offset < size, case let count = try input.read(into: buffer, at: offset), count > 0 {
      offset += count
      try body(UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]), offset >= size)
    }
  }

  private func reader(of input: InputFile) -> (UnsafeMutableRawBufferPointer) throws -> Int {
    var offset = 0
    return { buffer in
      let count = try input.read(into: buffer, at: offset)
      offset += count
      return count
    }
  }

  /// - Returns: the path of what was written.
  private func copy(
    _ name: String, _ fill: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
  ) throws -> String {
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    } catch {
      throw DatasetError.cannotWrite(file: directory, reason: error.localizedDescription)
    }
    let path = "\(directory)/\(copies)-\((name as NSString).lastPathComponent).txt"
    copies += 1
    let output = try OutputFile(path: path)
    do {
      try fill { bytes in
        try isAlive()
        try output.write(bytes)
        if let mostBytes, output.bytes >= mostBytes { throw Enough() }
      }
    } catch is Enough {}
    try output.close()
    return URL(fileURLWithPath: path).path
  }
}
