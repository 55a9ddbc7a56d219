import Checkpoint
import Coordinator
import Features
import Foundation
import Job
import Wire

/// A training run from configuration to result.
struct Training {
  let job: JobConfiguration
  /// nil: launch servers and workers here.
  let listen: String?

  struct Trained {
    var result: RunResult
    var directory: RunDirectory
    /// Of training alone, a model's that it started from included.
    var trainingSeconds: Double
    var skipped: Int
  }

  /// Trains and prints how it went.
  func report(json: Bool) throws {
    let started = Date()
    let trained = try run(Console())
    let report = TrainingReport(
      trained.result, model: job.model.rawValue, skipped: trained.skipped, seconds: Date().timeIntervalSince(started),
      runDirectory: trained.directory.path)
    print(try json ? report.json() : report.table(truth: Truth.beside(job.valid)))
  }

  func run(_ console: Console) throws -> Trained {
    Interruption.install()
    let schema = try job.dataSchema()
    let directory = try RunDirectory.create(job.runDirectory)
    defer { directory.removeSpool() }
    // After a mistake before anything ran, the name is free for the next try.
    defer { directory.removeIfUnused() }
    let source = DataSource(job: job, schema: schema, directory: directory, console: console)
    // Shared data are read before anyone is launched, who would wait for it.
    let shared = job.data == .shared ? try source.read() : nil
    let cluster = try Cluster(job, listen: listen, logs: directory.logs, console: console)
    defer { cluster.end() }
    let data = try shared ?? source.survey(with: cluster, gatherSeconds: gatherSeconds)
    try job.modelConfiguration(fields: data.train.fields).validate()

    var start: ServerAssignment.Restore?
    var trainingSeconds = 0.0
    if let earlier = job.model.definition.pretraining {
      var pretraining = job
      pretraining.model = earlier
      let place = try directory.makeStage()
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
    return Trained(
      result: result, directory: directory, trainingSeconds: trainingSeconds,
      skipped: data.train.skipped + (data.valid?.skipped ?? 0))
  }

  private var gatherSeconds: Double { listen == nil ? 30 : 300 }

  /// Trains one model, leaving its catalogue and shards in the directory.
  private func train(
    _ wanted: JobConfiguration, _ data: TrainingData, in directory: RunDirectory, start: ServerAssignment.Restore?,
    isFollowed: Bool, _ cluster: Cluster, _ console: Console
  ) throws -> RunResult {
    var job = wanted
    job.runDirectory = directory.path
    var plan = try Plan(
      purpose: .train, configuration: job, model: job.modelConfiguration(fields: data.train.fields), train: data.train,
      evaluation: data.valid, databases: directory.shards(servers: job.servers), restore: start,
      gatherSeconds: gatherSeconds)
    plan.isFollowed = isFollowed
    plan.vocabulary = data.vocabulary
    plan.evaluationReaders = data.validHolders
    if let holders = data.trainHolders { try plan.lease(by: holders) }
    try ConfigurationFile.write(job, to: directory.configuration)
    let catalogue = try Catalogue.create(at: directory.catalogue)
    try catalogue.record("configuration", job)
    try catalogue.record("model", plan.model)
    try catalogue.record("encoding", data.train.encoding)
    for index in [data.train, data.valid].compactMap({ $0 }) where index.skipped > 0 {
      try catalogue.record(event: "skipped \(index.skipped) bad rows, the first: \(index.firstBadRow ?? "")")
    }
    console.say(
      "\(job.model.rawValue): \(Format.count(Double(data.train.rows))) rows of \(data.train.fields) fields, "
        + "\(job.servers) servers, \(job.workers) workers, run directory \(directory.path)")
    return try cluster.run(plan, catalogue: catalogue)
  }
}
