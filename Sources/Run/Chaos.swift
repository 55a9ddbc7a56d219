import Coordinator
import Foundation
import Job

/// Trains undisturbed, then the same again on a local cluster whose processes are killed, stopped and cut off all the while.
/// Both are to come to the same bits.
///
/// All processes are children of this one: servers, workers, and the coordinator, which takes the run over again whenever it
/// is killed.
public struct Chaos {
  private let settings: Settings
  private let options: ChaosOptions
  private let undisturbedDigest: String?
  private let tool: String?
  private let caller: Caller
  private let directory: String

  /// - Parameters:
  ///   - settings: of the run. Its `timeout` decides how long the loss of a process goes unnoticed.
  ///   - undisturbedDigest: what the undisturbed run came to, where it is known.
  ///   - directory: new, for both runs and what their processes write.
  ///   - caller: hears what is done, and can end it.
  /// - Throws: `ConfigurationError` where the settings cannot be run, or name no training data.
  public init(
    _ settings: Settings, _ options: ChaosOptions, undisturbedDigest: String? = nil, directory: String,
    tool: String? = nil, caller: Caller = Caller()
  ) throws {
    // Refuses what cannot be trained, before anything is.
    _ = try Training(settings)
    guard undisturbedDigest == nil || settings.cluster.isExact else {
      throw ConfigurationError.invalid(
        key: "consistency", value: "async", reason: "no two such runs have the same digest: leave --digest out")
    }
    self.settings = settings
    self.options = options
    self.undisturbedDigest = undisturbedDigest
    self.tool = tool
    self.caller = caller
    self.directory = URL(fileURLWithPath: directory).path
  }

  /// - Throws: `RunFailure` where a run ends early, or does not go on after a fault; otherwise like `Training.run`.
  public func run() throws -> ChaosReport {
    guard !FileManager.default.fileExists(atPath: directory) else { throw RunDirectoryError.exists(path: directory) }
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    } catch {
      throw RunDirectoryError.unusable(path: directory, reason: error.localizedDescription)
    }
    // No two async runs come to the same: there is nothing to compare with.
    let undisturbed = settings.cluster.isExact ? try undisturbedDigest ?? train() : nil
    let cluster = try ChaosCluster(
      settings, in: directory + "/disturbed", faults: options.kills, tool: tool,
      through: options.how.contains(.cut) ? { try Proxy(to: $0) } : nil)
    defer { cluster.end() }
    let watch = StepWatch(settings, at: cluster.endpoint, directory: cluster.directory)
    defer { watch.stop() }
    var disturbance = Disturbance(
      cluster, watch, ChaosScript(options), settings.cluster, caller,
      ChaosReport(undisturbedDigest: undisturbed, directory: directory))
    return try disturbance.run()
  }

  private func train() throws -> String {
    var settings = settings
    settings.runDirectory = directory + "/undisturbed"
    caller.observer.say("undisturbed:")
    let trained = try Training(settings, members: .launched(LocalCluster(tool: tool)), caller: caller).run()
    return trained.parameterDigest
  }
}
