import ArgumentParser
import Coordinator
import Features
import Foundation
import Job
import Wire

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

  func run() throws { try Training(job: job.configuration(), listen: coordinator).report(json: json) }
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

  func run() throws { try Training(job: job.configuration(), listen: listen).report(json: json) }
}

/// A training run from configuration to result.
struct Training {
  let job: JobConfiguration
  /// nil: launch servers and workers here.
  let listen: String?

  /// The data of a run, found and read through.
  private struct Dataset {
    var train: DatasetIndex
    var valid: DatasetIndex?
  }

  struct Trained {
    var result: RunResult
    var directory: RunDirectory
    /// Of training alone, a model's that it started from included.
    var trainingSeconds: Double
  }

  /// Trains and prints how it went.
  func report(json: Bool) throws {
    let started = Date()
    let trained = try run(Console())
    let report = TrainingReport(
      trained.result, model: job.model.rawValue, seconds: Date().timeIntervalSince(started),
      runDirectory: trained.directory.path)
    print(try json ? report.json() : report.table(truth: Truth.beside(job.valid)))
  }

  func run(_ console: Console) throws -> Trained {
    Interruption.install()
    let directory = try RunDirectory.create(job.runDirectory)
    defer { directory.removeSpool() }
    let data: Dataset
    let cluster: Cluster
    do {
      data = try read(directory, console)
      try job.modelConfiguration(fields: data.train.fields).validate()
      cluster = try Cluster(job, listen: listen, logs: directory.logs, console: console)
    } catch {
      // Nothing has run: the name is free for the next try.
      directory.remove()
      throw error
    }
    defer { cluster.end() }

    var start: ServerAssignment.Restore?
    var trainingSeconds = 0.0
    if let earlier = job.model.definition.pretraining {
      var pretraining = job
      pretraining.model = earlier
      let place = try directory.makeStage("pretraining")
      let first = try train(pretraining, data, in: place, start: nil, isFollowed: true, cluster, console)
      trainingSeconds += first.trainingSeconds
      guard let checkpoint = try Catalogue.open(at: place.catalogue).lastCheckpoint() else {
        throw RunFailure(sentence: "\(place.path) has no checkpoint to start from.")
      }
      start = .init(
        checkpoint: checkpoint.number, databases: checkpoint.shards, clock: 0,
        onlyParametersOf: ParameterTables.sparse)
    }
    let result = try train(job, data, in: directory, start: start, isFollowed: false, cluster, console)
    trainingSeconds += result.trainingSeconds
    return Trained(result: result, directory: directory, trainingSeconds: trainingSeconds)
  }

  /// Trains one model, leaving its catalogue and shards in the directory.
  private func train(
    _ wanted: JobConfiguration, _ data: Dataset, in directory: RunDirectory, start: ServerAssignment.Restore?,
    isFollowed: Bool, _ cluster: Cluster, _ console: Console
  ) throws -> RunResult {
    var job = wanted
    job.runDirectory = directory.path
    var plan = try Plan(
      purpose: .train, configuration: job, model: job.modelConfiguration(fields: data.train.fields), train: data.train,
      evaluation: data.valid, databases: directory.shards(servers: job.servers), restore: start,
      gatherSeconds: listen == nil ? 30 : 300)
    plan.isFollowed = isFollowed
    try ConfigurationFile.write(job, to: directory.configuration)
    let catalogue = try Catalogue.create(at: directory.catalogue)
    try catalogue.record("configuration", job)
    try catalogue.record("model", plan.model)
    console.say(
      "\(job.model.rawValue): \(Format.count(Double(data.train.rows))) rows of \(data.train.fields) fields, "
        + "\(job.servers) servers, \(job.workers) workers, run directory \(directory.path)")
    return try cluster.run(plan, catalogue: catalogue)
  }

  private func read(_ directory: RunDirectory, _ console: Console) throws -> Dataset {
    func index(_ files: [String], _ purpose: String) throws -> DatasetIndex {
      try DatasetIndex.build(files: files, format: job.format, spool: "\(directory.spool)/\(purpose)") { read, total in
        try Interruption.check()
        console.show("reading \(purpose) data", share: Double(read) / Double(max(1, total)))
      }
    }
    let data = try Dataset(train: index(job.train, "train"), valid: job.valid.isEmpty ? nil : index(job.valid, "valid"))
    if let valid = data.valid, valid.fields != data.train.fields {
      throw RunFailure(
        sentence: "\(job.valid[0]) has \(valid.fields) fields, \(job.train[0]) has \(data.train.fields). "
          + "Give both the same layout.")
    }
    return data
  }
}
