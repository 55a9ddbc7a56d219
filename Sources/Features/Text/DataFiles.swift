import Foundation

/// A file with data.
struct DataFile: Hashable, Sendable {
  var name: String
  /// What the folders say that it lies in, as Hive and Spark write tables: `day=2014-10-21`.
  var folders: [Folder] = []

  struct Folder: Hashable, Sendable {
    var name: String
    var value: String

    /// nil for a folder that says nothing.
    init?(_ folder: String) {
      guard let sign = folder.firstIndex(of: "="), sign != folder.startIndex else { return nil }
      func text(_ part: Substring) -> String { part.removingPercentEncoding ?? String(part) }
      name = text(folder[..<sign])
      value = text(folder[folder.index(after: sign)...])
      if value == "__HIVE_DEFAULT_PARTITION__" { value = "" }
    }
  }

  /// - Parameter wildcard: of the parts of the name, the first that a pattern leaves open, or that lies within a named folder.
  init(_ name: String, from wildcard: Int? = nil) {
    self.name = name
    guard let wildcard else { return }
    folders = name.split(separator: "/").dropLast().dropFirst(wildcard).compactMap { Folder(String($0)) }
  }
}

/// Data as a person names it: files, directories, patterns, and `-` for standard input.
public enum DataFiles {
  /// The files, those of a directory or a pattern in the order of their names.
  ///
  /// - Throws: `DatasetError.noMatch`.
  public static func expand(_ names: [String]) throws -> [String] { try find(names).map(\.name) }

  /// As `expand`, with what the folders say: those in a directory that is named, or that match a pattern.
  static func find(_ names: [String]) throws -> [DataFile] {
    try names.flatMap { name -> [DataFile] in
      var isDirectory: ObjCBool = false
      if name == "-" { return [DataFile(name)] }
      if FileManager.default.fileExists(atPath: name, isDirectory: &isDirectory) {
        guard isDirectory.boolValue else { return [DataFile(name)] }
        let found = try files(in: name)
        guard !found.isEmpty else { throw DatasetError.noMatch(pattern: name) }
        let depth = name.split(separator: "/").count
        return found.map { DataFile($0, from: depth) }
      }
      guard name.contains(where: { "*?[".contains($0) }) else { return [DataFile(name)] }
      let depth = name.split(separator: "/").prefix { !$0.contains { "*?[".contains($0) } }.count
      let found = try matches(name).flatMap { match in
        FileManager.default.fileExists(atPath: match, isDirectory: &isDirectory) && isDirectory.boolValue
          ? try files(in: match) : [match]
      }
      guard !found.isEmpty else { throw DatasetError.noMatch(pattern: name) }
      return found.map { DataFile($0, from: depth) }
    }
  }

  /// The files, each once, however often and by whatever path it is named.
  public static func distinct(_ files: [String]) -> [String] {
    var seen: Set<String> = []
    return files.filter { seen.insert(URL(fileURLWithPath: $0).resolvingSymlinksInPath().path).inserted }
  }

  /// The first of the files to be written that would replace one of the data's.
  public static func collision(of outputs: [String], with data: [String]) -> String? {
    func place(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }
    let inputs = Set(((try? expand(data)) ?? data).filter { $0 != "-" }.map(place))
    return outputs.first { inputs.contains(place($0)) }
  }

  /// The files whose names, without directories, match one of the patterns.
  public static func matching(_ patterns: [String], among files: [String]) -> [String] {
    files.filter { file in
      let name = file.split(separator: "/").last.map(String.init) ?? file
      return patterns.contains { fnmatch($0.split(separator: "/").last.map(String.init) ?? $0, name, 0) == 0 }
    }
  }

  /// The files of a directory and of those in it, without hidden ones, marks such as `_SUCCESS`, and what `deepfm` keeps
  /// beside data.
  private static func files(in directory: String) throws -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    return try names.sorted().filter(isData).flatMap { name -> [String] in
      let path = directory.hasSuffix("/") ? directory + name : directory + "/" + name
      var isDirectory: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else { return [] }
      return isDirectory.boolValue ? try files(in: path) : [path]
    }
  }

  static func isData(_ name: String) -> Bool {
    !name.hasPrefix(".") && !name.hasPrefix("_") && !name.hasSuffix(".truth.json") && !name.hasSuffix(".partial")
  }

  private static func matches(_ pattern: String) -> [String] {
    var found = glob_t()
    defer { globfree(&found) }
    guard glob(pattern, GLOB_ERR, nil, &found) == 0 else { return [] }
    return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
      .filter { isData($0.split(separator: "/").last.map(String.init) ?? $0) }
  }
}
