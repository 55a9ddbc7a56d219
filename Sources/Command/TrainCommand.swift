import ArgumentParser
import Foundation
import Run

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a model.",
    discussion: """
      Launches servers and workers on this machine and trains with them. With --coordinator \
      it launches nothing, but listens there for servers and workers that are started elsewhere. With --resume it goes \
      on with a run that was: with other numbers of servers and workers, for more --epochs, or on new --train data.
      """)

  @OptionGroup var job: JobOptions

  @OptionGroup var resumption: ResumeOptions

  @Option(help: ArgumentHelp("Listen here for servers and workers instead of launching them.", valueName: "endpoint"))
  var coordinator: String?

  @Option(
    help: ArgumentHelp(
      "Train so many times, with seeds that follow on --seed, in directories of their own in the run directory, and print means "
        + "and deviations.", valueName: "n"))
  var seeds: Int?

  @Flag(help: "Print one JSON line with the result instead of a table; with --seeds one a seed.")
  var json = false

  func validate() throws {
    guard 1...1000 ~= seeds ?? 1 else { throw ValidationError("--seeds \(seeds ?? 0): choose 1 to 1000") }
    guard seeds == nil || (resumption.resume == nil && coordinator == nil) else {
      throw ValidationError("--seeds trains anew, on this machine: leave --resume and --coordinator out")
    }
  }

  func run() throws {
    if let seeds { return try SeedRuns(job, count: seeds, json: json).run() }
    try resumption.train(job, members: coordinator.map { .joining(at: $0) } ?? .launched(.ownChildren), json: json)
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

      With --resume it takes over a run whose coordinator has died: at the same place, so that members that live find it.
      """)

  @OptionGroup var job: JobOptions

  @OptionGroup var resumption: ResumeOptions

  @Option(
    help: ArgumentHelp(
      "Where servers and workers find this coordinator. Default: tcp://127.0.0.1:7000; with --resume, where the last one was.",
      valueName: "endpoint"))
  var listen: String?

  @Flag(help: .hidden)
  var lifeline = false

  @Flag(help: "Print one JSON line with the result instead of a table.")
  var json = false

  func run() throws {
    if lifeline { Lifeline.hold() }
    let earlier = listen == nil ? try resumption.resume.map { try RunDirectory.open($0).coordinatorEndpoint() } : nil
    try resumption.train(job, members: .joining(at: listen ?? earlier ?? "tcp://127.0.0.1:7000"), json: json)
  }
}

/// Training anew, or going on with what was.
struct ResumeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Go on with the run in this directory, from its last checkpoint. Flags given change it.", valueName: "dir"))
  var resume: String?

  /// Trains and prints how it went.
  func train(_ job: JobOptions, members: Members, json: Bool) throws {
    let started = Date()
    let training = try training(job, members)
    let trained = try training.run()
    let settings = training.settings
    let report = TrainingReport(
      trained, model: settings.model.model, bestBy: settings.optimization.bestBy,
      seconds: Date().timeIntervalSince(started))
    print(try json ? JSONLine.encode(report) : report.table(truth: Truth.beside(settings.data.valid)))
  }

  private func training(_ job: JobOptions, _ members: Members) throws -> Training {
    let caller = Caller.person(Console())
    guard let resume else { return try Training(job.settings(), members: members, caller: caller) }
    guard job.runDir == nil else {
      throw ValidationError("--run-dir does not go with --resume, which names the directory that the run goes on in.")
    }
    return try Training(resuming: resume, members: members, caller: caller) { try job.lay(over: &$0) }
  }
}
