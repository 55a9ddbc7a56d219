import Foundation
import Sharding
import Synchronization
import Testing

/// Whole clusters, thousands of them, in virtual time.
@Suite(.serialized)
struct SimulationTests {
  /// `LIVES` in the environment: how many; `SEED`: which one, alone.
  private static let environment = ProcessInfo.processInfo.environment
  private static let lives = environment["LIVES"].flatMap { Int($0) } ?? 2000
  private static let seed = environment["SEED"].flatMap { UInt64($0) }

  @Test("Undisturbed lives of any number of servers and workers come to the same bits")
  func undisturbed() throws {
    let worlds = try Worlds.make()
    for scenario in World.names.indices {
      for (servers, workers, replicas) in [(1, 1, 0), (2, 2, 1), (3, 1, 0), (1, 4, 0), (5, 6, 1), (2, 3, 0)] {
        let options = Options.undisturbed(servers: servers, workers: workers, scenario: scenario, replicas: replicas)
        try Life(options, worlds[scenario]).live()
      }
      let result = worlds[scenario].reference.results.compactMap { $0 }
      #expect(result.reduce(0) { $0 + $1.epochs.reduce(0) { $0 + $1.steps } } >= 20)
      #expect(result.last?.evaluation?.auc != nil)
    }
  }

  @Test("A worker that is very slow is stood in for, and the run is done in a fraction of the time")
  func speculation() throws {
    let worlds = try Worlds.make()
    for scenario in [0, 1, 4] {
      let seconds = try [false, true].map { speculates in
        var options = Options.undisturbed(servers: 2, workers: 3, scenario: scenario)
        options.slowWorker = 6000
        options.isSpeculating = speculates
        let life = Life(options, worlds[scenario])
        try life.live()
        #expect((life.counts["stood in", default: 0] > 0) == speculates)
        return life.now
      }
      #expect(seconds[1] < seconds[0] / 2, "\(seconds)")
    }
  }

  @Test("Whatever the network and the strangers do, the run goes on with the same bits")
  func disturbed() throws {
    if let seed = Self.seed {
      let worlds = try Worlds.make()
      return try Worlds.live(seed, worlds, isTold: true)
    }
    let summary = try Lives.run(Self.lives)
    print(summary.text)
    for (seed, violation) in summary.violations.prefix(3) {
      Issue.record("seed \(seed): \(violation)\n\(try Shrinking.shortest(seed: seed))")
    }
    #expect(summary.violations.isEmpty, "\(summary.violations.count) of \(Self.lives) lives broke a promise")
    if Self.lives >= 500 {
      for kind in Faults.Kind.allCases { #expect(summary.faults[kind, default: 0] > 0, "no \(kind) ever happened") }
      for kind in Summary.refusals {
        #expect(summary.refusals[kind, default: 0] > 0, "nobody was ever refused: \(kind)")
      }
      for phase in Summary.phases { #expect(summary.phases[phase, default: 0] > 0, "nobody was killed in \(phase)") }
      #expect(summary.counts["stood in", default: 0] > 0, "nobody was late")
      for role in ["coordinator", "server", "worker"] {
        #expect(summary.roles[role, default: 0] >= 2, "who was killed in training: \(summary.roles)")
      }
    }
  }
}

/// The worlds that lives are lived in, one a scenario; each thread has its own.
enum Worlds {
  static func make() throws -> [World] {
    let directory = FileManager.default.temporaryDirectory.path + "/deepfm-simulation-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    return try World.names.indices.map { scenario in
      let world = try World(scenario: scenario, directory: directory)
      try world.takeReference()
      return world
    }
  }

  static func live(_ seed: UInt64, _ worlds: [World], isTold: Bool = false) throws {
    let options = Options(seed: seed, scenarios: worlds.count)
    if isTold { print(options) }
    try Life(options, worlds[options.scenario]).live()
  }
}
