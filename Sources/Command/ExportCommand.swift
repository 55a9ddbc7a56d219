import ArgumentParser
import Foundation
import Run

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a trained model to one file that other programs read.",
    discussion: """
      The file is safetensors: the features' keys, weights and vectors, and the dense layers; model and encoding are in its \
      metadata. Optimizers' state is left out. Examples/predict.py reads it with numpy alone.

        deepfm export runs/first --to model.safetensors
      """)

  @Argument(help: ArgumentHelp("The directory of a training run.", valueName: "dir"))
  var runDir: String

  @Option(help: ArgumentHelp("Where to write, *.safetensors. It appears when it is complete.", valueName: "file"))
  var to: String

  @Option(
    help: ArgumentHelp(
      "Whose parameters: last, best (the lowest validation logloss), or a checkpoint's number.",
      valueName: "last|best|n"), transform: checkpointNamed)
  var checkpoint = CheckpointChoice.last

  func validate() throws {
    guard to.hasSuffix(".safetensors") else {
      throw ValidationError("--to \(to): name a file that ends in .safetensors")
    }
  }

  func run() throws {
    let exported = try Exporting(runDirectory: runDir, checkpoint: checkpoint, caller: .person(Console())).write(to: to)
    Console().say("\(exported.features.grouped) features of checkpoint \(exported.checkpoint) in \(to)")
  }
}

@Sendable func checkpointNamed(_ text: String) throws -> CheckpointChoice {
  try explaining { try CheckpointChoice(named: text) }
}
