import Foundation
import Run
import Testing

/// Clusters of real processes that are killed, stopped and cut off while they train.
@Suite(.serialized)
struct ChaosTests {
  private static func chaos(_ options: ChaosOptions, replicas: Int, _ change: (inout Settings) -> Void = { _ in })
    throws
    -> ChaosReport
  {
    let tool = try Tool()
    defer { withExtendedLifetime(tool) {} }
    var settings = Settings()
    settings.data.train = [Sample.train]
    settings.data.valid = [Sample.smallValid]
    // A fault takes a second or more to be borne: the run is to be long enough for all of them.
    settings.model.hidden = [200, 200]
    settings.optimization.batch = 512
    settings.optimization.epochs = 12
    settings.cluster.timeout = 2
    settings.cluster.replicas = replicas
    settings.cluster.checkpointEvery = .steps(50)
    change(&settings)
    let report = try Chaos(settings, options, directory: tool.directory + "/chaos", tool: Tool.binary).run()
    #expect(report.isSame, "\(report.events)")
    #expect(report.events.count >= options.kills - 2, "the run was over after \(report.events.count) faults")
    #expect(Set(report.events.map(\.how)) == Set(options.how))
    return report
  }

  @Test(
    "Ten kills of workers, servers and the coordinator change no bit, with replicas and without", arguments: [0, 1])
  func kills(replicas: Int) throws {
    let report = try Self.chaos(ChaosOptions(kills: 10, seed: 7), replicas: replicas)
    let names = Set(report.events.map(\.name))
    #expect(names.contains("coordinator") && names.contains { $0.hasPrefix("worker") })
    #expect(names.contains { $0.hasPrefix("server") })
  }

  @Test("Processes that are suspended and links that are cut change no bit")
  func stops() throws {
    _ = try Self.chaos(ChaosOptions(kills: 8, seed: 3, how: [.stop, .cut, .kill]), replicas: 1)
  }

  @Test("Pulls that may be behind change no bit either")
  func lag() throws {
    _ = try Self.chaos(ChaosOptions(kills: 4, seed: 5, roles: [.worker, .server]), replicas: 1) {
      $0.cluster.consistency = .lag(2)
    }
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
