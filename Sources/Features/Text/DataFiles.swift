import Foundation

/// Data as a person names it: files, directories, patterns, and `-` for standard input.
public enum DataFiles {
  /// The files, those of a directory or a pattern in the order of their names.
  ///
  /// - Throws: `DatasetError.noMatch`.
  public static func expand(_ names: [String]) throws -> [String] {
    try names.flatMap { name -> [String] in
      var isDirectory: ObjCBool = false
      if name == "-" { return [name] }
      if FileManager.default.fileExists(atPath: name, isDirectory: &isDirectory) {
        guard isDirectory.boolValue else { return [name] }
        return try files(in: name)
      }
      guard name.contains(where: { "*?[".contains($0) }) else { return [name] }
      let matches = self.matches(name)
      guard !matches.isEmpty else { throw DatasetError.noMatch(pattern: name) }
      return matches
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

  /// The files of a directory, without hidden ones and what `deepfm` keeps beside data.
  private static func files(in directory: String) throws -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    let files = names.sorted().filter {
      !$0.hasPrefix(".") && !$0.hasSuffix(".truth.json") && !$0.hasSuffix(".partial")
    }
    .map { directory.hasSuffix("/") ? directory + $0 : directory + "/" + $0 }
    .filter {
      var isDirectory: ObjCBool = false
      return FileManager.default.fileExists(atPath: $0, isDirectory: &isDirectory) && !isDirectory.boolValue
    }
    guard !files.isEmpty else { throw DatasetError.noMatch(pattern: directory) }
    return files
  }

  private static func matches(_ pattern: String) -> [String] {
    var found = glob_t()
    defer { globfree(&found) }
    guard glob(pattern, GLOB_ERR, nil, &found) == 0 else { return [] }
    return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
      .filter { !$0.hasSuffix(".truth.json") }
  }
}
