import ArgumentParser
import Foundation
import Run
import Serving

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a trained model to one file that other programs read.",
    discussion: """
      The file is safetensors: the features' keys, weights and vectors, and the dense layers; model and encoding are in its \
      metadata, and the optimizers' state, which --slim leaves out, behind them. Examples/predict.py reads it with numpy alone. A file that ends in .npz has the \
      same arrays for numpy's load.

        deepfm export runs/first --slim --to model.safetensors

      For those who serve, --since 7 writes what has changed since checkpoint 7, which `deepfm apply` puts on that one's file.
      """)

  @Argument(help: ArgumentHelp("The directory of a training run, or a file that was exported.", valueName: "dir"))
  var runDir: String

  @Option(
    help: ArgumentHelp("Where to write, *.safetensors or *.npz. It appears when it is complete.", valueName: "file"))
  var to: String

  @OptionGroup var which: CheckpointOption

  @Option(help: "How features' rows are written: fp32, fp16, or int8 with a scale for each.", transform: named)
  var rows = RowPrecision.fp32

  @Flag(help: "Leave the optimizers' state out, as --rows fp16, --rows int8 and --since do, and who only predicts can.")
  var slim = false

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Rows to measure with what --rows costs, as the training data are.", valueName: "file"))
  var data: [String] = []

  @Option(help: ArgumentHelp("Write only what has changed since this checkpoint, which is kept still.", valueName: "n"))
  var since: Int?

  func validate() throws {
    guard since == nil || rows == .fp32 && data.isEmpty else {
      throw ValidationError("--since writes rows as they are: leave --rows and --data out")
    }
    guard to.hasSuffix(".safetensors") || to.hasSuffix(Exporting.numpySuffix) && data.isEmpty else {
      throw ValidationError(
        "--to \(to): name a file that ends in .safetensors"
          + (data.isEmpty ? " or .npz" : ", which --data is scored with"))
    }
  }

  func run() throws {
    let exporting = Exporting(runDirectory: runDir, checkpoint: which.checkpoint, caller: .person(Console()))
    if let since {
      let delta = try exporting.write(to: to, since: since)
      Console().say("\(delta.features.grouped) rows of checkpoint \(delta.checkpoint) differ from \(since)'s: \(to)")
      return
    }
    let exported = try exporting.write(to: to, rows: rows, slim: slim, data: data)
    Console().say("\(exported.features.grouped) features of checkpoint \(exported.checkpoint) in \(to)")
    guard let before = exported.before, let after = exported.after else { return }
    func change(_ name: String, _ before: Double?, _ after: Double?) -> String {
      "\(name) \(Format.fixed(before, 6)) -> \(Format.fixed(after, 6))"
    }
    print("\(change("AUC", before.auc, after.auc)), \(change("logloss", before.logloss, after.logloss))")
  }
}

struct ApplyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply",
    abstract: "Put deltas of `deepfm export --since` on the file that they stand on.",
    discussion: """
      The file that comes of it is, byte for byte, the one that `deepfm export --slim` writes of the checkpoint that the last delta \
      is of.

        deepfm apply model-7.safetensors delta-8.safetensors delta-9.safetensors --to model-9.safetensors
      """)

  @Argument(help: ArgumentHelp("A file of `deepfm export`.", valueName: "base"))
  var base: String

  @Argument(help: ArgumentHelp("Files of `deepfm export --since`, the earliest first.", valueName: "delta"))
  var deltas: [String]

  @Option(help: ArgumentHelp("Where to write, *.safetensors. It appears when it is complete.", valueName: "file"))
  var to: String

  func run() throws {
    let exported = try Exporting.apply(deltas, to: base, writing: to)
    Console().say("\(exported.features.grouped) features of checkpoint \(exported.checkpoint) in \(to)")
  }
}
