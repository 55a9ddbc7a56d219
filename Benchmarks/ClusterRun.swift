import Foundation

/// The real thing: the `deepfm` binary beside this one, with its default flags.
struct ClusterRun: Decodable {
  var samplesPerSecond: Double
  var rows: Int
  var auc: Double?
  /// Of the time, what workers waited for data.
  var stallShare: Double
  /// Without asynchronous reading.
  var syncReading = 0.0

  enum CodingKeys: String, CodingKey {
    case rows, auc
    case samplesPerSecond = "samples_per_second"
    case stallShare = "stall_share"
  }

  static func run(_ data: String, scratch: Scratch) throws -> ClusterRun {
    var result = try train(data, run: scratch.path + "/run", flags: [])
    result.syncReading = try train(data, run: scratch.path + "/sync", flags: ["--sync-reading"]).samplesPerSecond
    return result
  }

  /// The tool beside this program.
  static let tool = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appendingPathComponent("deepfm")

  static func train(_ data: String, run: String, flags: [String]) throws -> ClusterRun {
    let process = Process()
    process.executableURL = tool
    process.arguments =
      ["train", "--train", data, "--epochs", "1", "--json", "--run-dir", run, "--timeout", "60"] + flags
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return try JSONDecoder().decode(ClusterRun.self, from: output)
  }
}
