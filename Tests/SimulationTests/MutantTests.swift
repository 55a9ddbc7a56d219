#if MUTANTS
  import Foundation
  import Sharding
  import Testing

  /// Breaks one rule after the other. Each must leave the undisturbed life as it is, or any test would find it, and be found
  /// by the lives of the simulator.
  @Suite(.serialized)
  struct MutantTests {
    /// `MUTANT` in the environment: which rule alone.
    private static let chosen = ProcessInfo.processInfo.environment["MUTANT"].flatMap { Mutant(rawValue: $0) }

    @Test(
      "A broken rule is found within 2,000 lives, and not by the undisturbed one",
      arguments: chosen.map { [$0] } ?? Mutant.allCases)
    func mutant(_ mutant: Mutant) throws {
      let worlds = try Worlds.make()
      Mutant.active = mutant
      defer { Mutant.active = nil }
      // With a lag even that life reads the past.
      for world in worlds where mutant != .answerLaterState || world.lag == 0 {
        try Life(.undisturbed(servers: 1, workers: 1, scenario: world.scenario), world).live()
      }
      let summary = try Lives.run(2000) { !$0.violations.isEmpty }
      let first = summary.violations.first
      let how = first.map { "found after \(summary.lives) lives, seed \($0.seed): \($0.text)" } ?? "NOT FOUND"
      print("\(mutant): \(how)")
      #expect(first != nil, "\(mutant) was not found in \(summary.lives) lives")
    }
  }
#endif
