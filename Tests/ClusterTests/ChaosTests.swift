import Checkpoint
import Foundation
import Run
import Testing

/// Clusters of real processes that are killed, stopped and cut off while they train.
@Suite(.serialized)
struct ChaosTests {
  /// `KILLS` in the environment: how many of each kind of cluster.
  private static let kills = ProcessInfo.processInfo.environment["KILLS"].flatMap { Int($0) } ?? 10
  private static let interval = 50

  /// - Parameter faults: each takes two seconds or more to be borne; the run is to be long enough for all of them.
  private static func settings(faults: Int = kills) -> Settings {
    var settings = Settings()
    settings.data.train = [Sample.train]
    settings.data.valid = [Sample.valid]
    settings.model.hidden = [64, 32]
    settings.optimization.batch = 512
    settings.optimization.epochs = (faults * 6 + 4) / 5
    settings.cluster.timeout = 2
    settings.cluster.checkpointEvery = .steps(UInt64(interval))
    return settings
  }

  /// What an undisturbed run comes to, whatever faults another bears, with replicas or without.
  private static let undisturbed = Result<String, any Error> {
    let tool = try Tool()
    defer { withExtendedLifetime(tool) {} }
    var settings = ChaosTests.settings()
    settings.runDirectory = tool.directory + "/undisturbed"
    return try Training(settings, members: .launched(LocalCluster(tool: Tool.binary))).run().parameterDigest
  }

  private static func chaos(_ options: ChaosOptions, _ settings: Settings, undisturbed: String? = nil) throws
    -> ChaosReport
  {
    let tool = try Tool()
    defer { withExtendedLifetime(tool) {} }
    let report = try Chaos(
      settings, options, undisturbedDigest: undisturbed, directory: tool.directory + "/chaos", tool: Tool.binary,
      caller: Caller(observer: kills > 10 ? Printer() : NoObserver())
    ).run()
    #expect(report.isSame, "\(report.events)")
    #expect(report.events.count >= options.kills - 2, "the run was over after \(report.events.count) faults")
    #expect(Set(report.events.map(\.how)) == Set(options.how))
    return report
  }

  /// For whoever waits for hours.
  private struct Printer: RunObserver {
    func say(_ sentence: String) {
      print(sentence)
      fflush(nil)
    }
  }

  @Test(
    "Kills of workers, servers and the coordinator change no bit, with replicas and without", arguments: [0, 1])
  func kills(replicas: Int) throws {
    var settings = Self.settings()
    settings.cluster.replicas = replicas
    let options = ChaosOptions(kills: Self.kills, seed: 7)
    let report = try Self.chaos(options, settings, undisturbed: Self.undisturbed.get())
    for role in ["coordinator", "worker", "server"] {
      #expect(report.events.count { $0.name.hasPrefix(role) } >= 2, "\(role)")
    }
    for event in report.events {
      // A second home may not be filled yet when the first dies, too.
      let mayRewind = event.name.hasPrefix("server") || event.isInRecovery
      #expect(event.stepsAgain ?? 0 <= (mayRewind ? max(4, event.step - event.recorded) : 4), "\(event)")
      // A checkpoint is committed some steps after the one that it is of: more where the machine has other things to do.
      #expect(event.step - event.recorded <= 4 * Self.interval, "\(event)")
    }
    let lost = report.events.filter { $0.name.hasPrefix("server") }.compactMap(\.stepsAgain)
    #expect(replicas == 0 || lost.contains { $0 <= 4 }, "second homes go on where first ones were: \(lost)")
  }

  @Test("Processes that are suspended and links that are cut change no bit")
  func stops() throws {
    var settings = Self.settings()
    settings.cluster.replicas = 1
    let options = ChaosOptions(kills: min(6, Self.kills), seed: 3, how: [.stop, .cut, .kill])
    _ = try Self.chaos(options, settings, undisturbed: Self.undisturbed.get())
  }

  @Test("Pulls that may be behind change no bit either")
  func lag() throws {
    var settings = Self.settings(faults: 5)
    settings.cluster.replicas = 1
    settings.cluster.consistency = .lag(2)
    _ = try Self.chaos(ChaosOptions(kills: 4, seed: 5, roles: [.worker, .server]), settings)
  }

  @Test("An async run counts every row once, whoever is killed", arguments: [0, 1])
  func async(replicas: Int) throws {
    var settings = Self.settings(faults: 4)
    settings.cluster.replicas = replicas
    settings.cluster.consistency = .async
    if replicas == 1 { settings.cluster.denseConsistency = .sync }
    let tool = try Tool()
    defer { withExtendedLifetime(tool) {} }
    let directory = tool.directory + "/chaos"
    let options = ChaosOptions(kills: 4, seed: 9, roles: [.worker, .server])
    let report = try Chaos(settings, options, directory: directory, tool: Tool.binary).run()
    #expect(report.undisturbedDigest == nil && report.events.count >= 2, "\(report.events)")
    let epochs = try Catalogue.open(at: directory + "/disturbed/run/run.sqlite").history().epochs
    #expect(epochs.count == settings.optimization.epochs)
    for epoch in epochs {
      #expect(epoch.rows == 150_000)
      #expect(Set(epoch.staleness.keys) == (replicas == 1 ? ["sparse"] : ["sparse", "dense"]))
      #expect(epoch.staleness.values.allSatisfy { $0.slices.reduce(0, +) > 0 })
    }
    // Learning goes on as it does undisturbed.
    #expect(try #require(epochs.last).trainLogloss < #require(epochs.first).trainLogloss)
  }

  @Test("The command prints what was done, and compares with a digest that is known")
  func command() throws {
    let tool = try Tool()
    let flags = ["--train", Sample.train, "--hidden", "16", "--embedding", "4", "--batch", "512", "--epochs", "3"]
    let chaos = ["chaos", "--kills", "1", "--roles", "worker", "--run-dir"]
    let table = try tool.run(chaos + [tool.directory + "/one"] + flags)
    #expect(table.status == 0 && table.output.contains("the same bits"), "\(table.output)\(table.errors)")
    let other = try tool.run(chaos + [tool.directory + "/two", "--digest", "abc", "--json"] + flags)
    #expect(other.status == 1 && other.errors.contains("came to other parameters"), "\(other.errors)")
    #expect(other.output.contains(#""how":"kill","in_recovery":false,"name":"worker-"#), "\(other.output)")
  }
}
