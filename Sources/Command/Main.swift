import ArgumentParser
import CStacks
import Features
import Foundation
import Job
import Run

/// The `deepfm` tool: one binary for all roles.
@main
struct DeepFM: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deepfm",
    abstract: "Train click-through-rate models on a cluster of parameter servers.",
    discussion: """
      A first run, with nothing to configure:

        deepfm synthesize --rows 200000 --out train.txt
        deepfm synthesize --rows 50000 --seed 2 --out valid.txt
        deepfm train --train train.txt --valid valid.txt

      On many machines, start `deepfm coordinator` on one, then `deepfm server` and \
      `deepfm worker` on the others with its address.
      """,
    version: "0.1.0",
    subcommands: [
      TrainCommand.self, PlanCommand.self, EvaluateCommand.self, PredictCommand.self, ExportCommand.self,
      ApplyCommand.self,
      ServeCommand.self, VerifyCommand.self, InspectCommand.self,
      RecommendCommand.self, ListsCommand.self, ABCommand.self, CompareCommand.self, StudyCommand.self,
      CostCommand.self, SchemaCommand.self, SplitCommand.self, VocabCommand.self, PackCommand.self,
      SynthesizeCommand.self, BenchCommand.self,
      CoordinatorCommand.self, ServerCommand.self, WorkerCommand.self, StatusCommand.self, DrainCommand.self,
      RebalanceCommand.self,
      ChaosCommand.self,
    ])

  /// Exit codes: 0 done, 1 the run failed, 2 it was asked for wrongly, 130 interrupted.
  static func main() {
    stacks_print_on_quit()
    // A file that may not grow is a full disk, not the end.
    signal(SIGXFSZ, SIG_IGN)
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      Foundation.exit(tell(error))
    }
  }

  private static func tell(_ error: any Error) -> Int32 {
    if let failure = error as? RunFailure {
      Console.error(failure.description)
      if case .interrupted = failure { return 130 }
      return 1
    }
    let code = exitCode(for: error)
    if code == .success {
      print(fullMessage(for: error))
      return 0
    }
    if code == .validationFailure {
      FileHandle.standardError.write(Data((fullMessage(for: error) + "\n").utf8))
      return 2
    }
    Console.error("\(error)")
    return error is ConfigurationError || error is RunDirectoryError || error is SchemaError ? 2 : 1
  }
}
