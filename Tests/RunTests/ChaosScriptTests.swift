import Testing

@testable import Run

struct ChaosScriptTests {
  @Test("A seed is a script: everyone is struck in every way once, as far as faults go round", arguments: 1...50)
  func script(seed: UInt64) {
    let options = ChaosOptions(kills: 12, seed: seed, how: ChaosOptions.How.allCases)
    let faults = ChaosScript(options).faults
    #expect(faults == ChaosScript(options).faults && faults.count == 12)
    #expect(Set(faults.prefix(3).map(\.role)).count == 3 && Set(faults.prefix(3).map(\.how)).count == 3)
    #expect(faults.map(\.share) == faults.map(\.share).sorted())
    #expect(faults.allSatisfy { $0.share > 0 && $0.share < 0.95 && $0.duration <= 2 })
    #expect(!zip(faults, faults.dropFirst()).contains { $0.haste != nil && $1.haste != nil })
    #expect(faults != ChaosScript(ChaosOptions(kills: 12, seed: seed + 1, how: ChaosOptions.How.allCases)).faults)
    #expect(ChaosScript(ChaosOptions(kills: 2, seed: seed)).faults.count == 2)
  }

  @Test("The step that a run is at is what its members speak of")
  func step() {
    let lines = [
      "server-0: waiting for gradients of slices 1, 2 of step 17", "worker-0: pulling the rows of step 18",
      "worker-1: idle, to leave", "a process: in no view",
    ]
    #expect(StepWatch.step(lines) == 18 && StepWatch.step(["worker-0: idle"]) == nil && StepWatch.step([]) == nil)
  }
}
