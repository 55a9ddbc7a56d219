import ArgumentParser
import Run

/// Which checkpoint of a run is meant.
struct CheckpointOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Whose parameters: last, best (the lowest validation logloss), or a checkpoint's number.",
      valueName: "last|best|n"), transform: named)
  var checkpoint = CheckpointChoice.last

  @Sendable private static func named(_ text: String) throws -> CheckpointChoice {
    try explaining { try CheckpointChoice(named: text) }
  }
}
