import Foundation

/// The `deepfm` program, which plays servers and workers.
public enum DeepFMTool {
  /// Finds the program: this one, if it is `deepfm`; else what the environment's `DEEPFM_TOOL` names; else a `deepfm`
  /// beside this program, or beside the test bundle that it runs.
  ///
  /// - Throws: `ToolError.missing` where there is none.
  public static func find() throws -> String {
    let running = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    if running.lastPathComponent == "deepfm" { return running.path }
    if let named = ProcessInfo.processInfo.environment["DEEPFM_TOOL"], !named.isEmpty {
      guard FileManager.default.isExecutableFile(atPath: named) else {
        throw ToolError.unusable(path: named, reason: "DEEPFM_TOOL names it, but it is no program")
      }
      return named
    }
    // Where the test runner is a program of the toolchain, it is told the bundle's path.
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") }.map { URL(fileURLWithPath: $0) }
    let places = [running, bundle].compactMap { $0?.deletingLastPathComponent().appendingPathComponent("deepfm").path }
    guard let found = places.first(where: FileManager.default.isExecutableFile(atPath:)) else {
      throw ToolError.missing(places: places)
    }
    return found
  }
}

/// A `deepfm` program that cannot be used.
public enum ToolError: Error, Equatable, CustomStringConvertible {
  case missing(places: [String])
  case unusable(path: String, reason: String)

  public var description: String {
    switch self {
    case .missing(let places):
      "there is no `deepfm` to play servers and workers at \(places.joined(separator: " or ")). "
        + "Build it, name it in DEEPFM_TOOL, or pass LocalCluster its path."
    case .unusable(let path, let reason): "\(path) cannot be started: \(reason)."
    }
  }
}
