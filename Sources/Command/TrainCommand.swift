import ArgumentParser
import Foundation
import Run

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a model.",
    discussion: """
      Launches servers and workers on this machine and trains with them. With --coordinator \
      it launches nothing, but listens there for servers and workers that are started elsewhere.
      """)

  @OptionGroup var job: JobOptions

  @Option(help: ArgumentHelp("Listen here for servers and workers instead of launching them.", valueName: "endpoint"))
  var coordinator: String?

  @Flag(help: "Print one JSON line with the result instead of a table.")
  var json = false

  func run() throws {
    try train(job, members: coordinator.map { .joining(at: $0) } ?? .launched(.ownChildren), json: json)
  }
}

struct CoordinatorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coordinator",
    abstract: "Coordinate a training run on many machines.",
    discussion: """
      Waits for the servers and workers that the configuration counts, then trains with them. \
      All of them must see the data and the run directory under the same paths.

        deepfm coordinator --config job.yaml --listen tcp://10.0.0.1:7000
      """)

  @OptionGroup var job: JobOptions

  @Option(help: ArgumentHelp("Where servers and workers find this coordinator.", valueName: "endpoint"))
  var listen = "tcp://127.0.0.1:7000"

  @Flag(help: "Print one JSON line with the result instead of a table.")
  var json = false

  func run() throws { try train(job, members: .joining(at: listen), json: json) }
}

/// Trains and prints how it went.
private func train(_ job: JobOptions, members: Members, json: Bool) throws {
  let started = Date()
  let settings = try job.settings()
  let trained = try Training(settings, members: members, caller: .person(Console())).run()
  let report = TrainingReport(
    trained, model: settings.model.model, seconds: Date().timeIntervalSince(started))
  print(try json ? JSONLine.encode(report) : report.table(truth: Truth.beside(settings.data.valid)))
}
