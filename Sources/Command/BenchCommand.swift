import ArgumentParser
import DeepFM
import Features
import Foundation
import Job
import Run

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measure what this machine makes of a part of the work.",
    subcommands: [Reading.self])

  struct Reading: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "reading",
      abstract: "Compare asynchronous with sequential reading (the paper's Fig. 7 and Table I).",
      discussion: """
        Trains each model for one epoch on synthesized data, reading ahead and reading in turn, and prints both speeds, \
        their ratio, and the share of the time that computing waited for data. Each is run --repeat times, in turn, and \
        the fastest counts. One worker computes on one thread, so that a machine of two cores has one left to read.
        """)

    @Option(help: ArgumentHelp("Models to measure.", valueName: "name,name,..."), transform: ModelList.init)
    var models = ModelList(names: [.lr, .fm, .deepFMD])

    @Option(help: "Rows to synthesize.")
    var rows = 400_000

    @Option(help: "Runs of each kind.")
    var `repeat` = 3

    @Option(help: "Compute threads of the worker.")
    var threads = 1

    @Flag(help: "Print one JSON line a model instead of a table.")
    var json = false

    func validate() throws {
      guard rows > 0, `repeat` > 0, threads > 0 else {
        throw ValidationError("--rows, --repeat and --threads: choose 1 or more.")
      }
    }

    struct Measured: Codable {
      var model: String
      var asynchronous: Double
      var sequential: Double
      var stallAsynchronous: Double
      var stallSequential: Double

      enum CodingKeys: String, CodingKey {
        case model, asynchronous, sequential
        case stallAsynchronous = "stall_asynchronous"
        case stallSequential = "stall_sequential"
      }
    }

    func run() throws {
      let console = Console()
      let caller = Caller.person(console)
      let scratch = try ScratchDirectory("bench")
      defer { scratch.remove() }
      let file = scratch.path + "/train.txt"
      _ = try Synthesizer(truthSeed: 20_140_624, seed: 1).write(rows: rows, to: file) { written in
        console.show("writing data", share: Double(written) / Double(rows))
      }
      var measured: [Measured] = []
      for model in models.names {
        var best = Measured(
          model: model.rawValue, asynchronous: 0, sequential: 0, stallAsynchronous: 0, stallSequential: 0)
        for number in 1...`repeat` {
          console.say("\(model.title), \(number) of \(`repeat`)")
          for isSequential in [false, true] {
            let result = try train(model, file, isSequential, scratch, caller)
            let stall = result.trainingSeconds > 0 ? result.stallSeconds / result.trainingSeconds : 0
            if isSequential, result.samplesPerSecond > best.sequential {
              best.sequential = result.samplesPerSecond
              best.stallSequential = stall
            } else if !isSequential, result.samplesPerSecond > best.asynchronous {
              best.asynchronous = result.samplesPerSecond
              best.stallAsynchronous = stall
            }
          }
        }
        measured.append(best)
      }
      if json { return try measured.forEach { print(try JSONLine.encode($0)) } }
      print(
        TextTable(
          ["model", "asynchronous", "sequential", "ratio", "waiting, async", "waiting, seq."],
          measured.map {
            [
              $0.model, Format.count($0.asynchronous) + "/s", Format.count($0.sequential) + "/s",
              Format.fixed($0.asynchronous / max(1, $0.sequential), 2),
              Format.fixed(100 * $0.stallAsynchronous, 2) + " %", Format.fixed(100 * $0.stallSequential, 2) + " %",
            ]
          }, right: [1, 2, 3, 4, 5]
        ).text)
    }

    private func train(
      _ model: ModelName, _ file: String, _ isSequential: Bool, _ scratch: ScratchDirectory, _ caller: Caller
    ) throws -> RunResult {
      var settings = Settings()
      settings.data.train = [file]
      settings.data.syncReading = isSequential
      settings.model.model = model
      settings.optimization.epochs = 1
      settings.cluster.servers = 1
      settings.cluster.workers = 1
      settings.cluster.threads = threads
      settings.cluster.timeout = 60
      let directory = scratch.path + "/run"
      try? FileManager.default.removeItem(atPath: directory)
      settings.runDirectory = directory
      let unseen = Caller(isInterrupted: caller.isInterrupted)
      return try Training(settings, members: .launched(.ownChildren), caller: unseen).run().result
    }
  }
}
