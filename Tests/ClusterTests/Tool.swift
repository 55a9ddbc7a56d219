import Foundation
import Run

/// The `deepfm` binary that was built with the tests, run as people run it.
final class Tool {
  struct Ended {
    var status: Int32
    var output: String
    var errors: String
  }

  struct Result: Decodable, Equatable {
    var auc: Double?
    var logloss: Double?
    var rows: Int
    var epochs: Int
    var evicted: Int
    var parameterDigest: String
    var samplesPerSecond: Double
    var seconds: Double
    var model: String
    var runDirectory: String

    enum CodingKeys: String, CodingKey {
      case auc, logloss, rows, epochs, evicted, seconds, model
      case parameterDigest = "parameter_digest"
      case samplesPerSecond = "samples_per_second"
      case runDirectory = "run_dir"
    }
  }

  /// Files for the runs of one test, gone with it.
  let directory: String

  init() throws {
    directory = FileManager.default.temporaryDirectory.path + "/deepfm-cluster-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  static let binary = (try? DeepFMTool.find()) ?? "deepfm"

  func start(_ arguments: [String], _ environment: [String: String] = [:]) throws -> Running {
    try Running(arguments, directory: directory, environment)
  }

  func run(_ arguments: String...) throws -> Ended { try run(arguments) }

  /// Waits at most two minutes, which none of our runs takes unless it hangs.
  func run(_ arguments: [String], _ environment: [String: String] = [:]) throws -> Ended {
    try start(arguments, environment).wait(seconds: 120)
  }

  /// Trains with `--json` and returns what that says.
  func train(_ arguments: [String], into run: String = UUID().uuidString) throws -> Result {
    let ended = try self.run(["train", "--json", "--run-dir", "\(directory)/\(run)"] + arguments)
    guard ended.status == 0 else { throw Failure(text: "status \(ended.status): \(ended.errors)") }
    return try JSONDecoder().decode(Result.self, from: Data(ended.output.utf8))
  }

  /// Of a run that printed its result with `--json`.
  static func digest(_ ended: Ended) throws -> String {
    guard ended.status == 0 else { throw Failure(text: "status \(ended.status): \(ended.errors)") }
    return try JSONDecoder().decode(Result.self, from: Data(ended.output.utf8)).parameterDigest
  }

  struct Failure: Error { var text: String }
}

/// A `deepfm` process under way.
final class Running {
  let process = Process()
  private let output: String
  private let errors: String

  init(_ arguments: [String], directory: String, _ environment: [String: String] = [:]) throws {
    let name = UUID().uuidString
    output = "\(directory)/\(name).out"
    errors = "\(directory)/\(name).err"
    for file in [output, errors] { _ = FileManager.default.createFile(atPath: file, contents: nil) }
    process.executableURL = URL(fileURLWithPath: Tool.binary)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.currentDirectoryURL = URL(fileURLWithPath: directory)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle(forWritingAtPath: output)
    process.standardError = FileHandle(forWritingAtPath: errors)
    try process.run()
  }

  /// What it has said on standard error so far.
  var said: String { (try? String(contentsOfFile: errors, encoding: .utf8)) ?? "" }

  /// Returns whether the text came within the time.
  func waitToSay(_ text: String, seconds: Double = 60) -> Bool {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while Date() < deadline {
      if said.contains(text) { return true }
      if !process.isRunning { return said.contains(text) }
      usleep(20_000)
    }
    return false
  }

  func wait(seconds: Double) throws -> Tool.Ended {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while process.isRunning, Date() < deadline { usleep(5_000) }
    if process.isRunning {
      kill(process.processIdentifier, SIGQUIT)
      usleep(1_000_000)
      process.terminate()
      usleep(3_000_000)
      kill(process.processIdentifier, SIGKILL)
      throw Tool.Failure(text: "did not end within \(seconds) s; it said: \(said)")
    }
    process.waitUntilExit()
    return Tool.Ended(
      status: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
      output: (try? String(contentsOfFile: output, encoding: .utf8)) ?? "", errors: said)
  }

  /// Processes of ours that this one started and that still live: those whose parent it is.
  static func children(of parent: Int32) -> [Int32] {
    let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return processes.compactMap(Int32.init).filter { number in
      let status = (try? String(contentsOfFile: "/proc/\(number)/stat", encoding: .utf8)) ?? ""
      let fields = status.split(separator: ")").last?.split(separator: " ") ?? []
      return fields.count > 1 && fields[0] != "Z" && Int32(fields[1]) == parent
    }
  }

  /// Kills it, and all that it started, without a chance for anyone to say a word.
  func killAll() {
    let all = [process.processIdentifier] + Self.children(of: process.processIdentifier)
    for process in all { kill(process, SIGKILL) }
    process.waitUntilExit()
  }

  static func waitForEnd(of processes: [Int32], seconds: Double) -> Bool {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while Date() < deadline {
      if !processes.contains(where: isAlive) { return true }
      usleep(20_000)
    }
    return false
  }

  static func isAlive(_ process: Int32) -> Bool {
    let status = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
    let state = status.split(separator: ")").last?.split(separator: " ").first
    return state != nil && state != "Z"
  }
}
