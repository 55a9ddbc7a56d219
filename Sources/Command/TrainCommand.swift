import ArgumentParser
import Coordinator
import Features
import Foundation
import Job

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

  func run() throws { try Training(job: job.configuration(), listen: coordinator, json: json).run() }
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

  func run() throws { try Training(job: job.configuration(), listen: listen, json: json).run() }
}

/// A training run from configuration to result.
struct Training {
  let job: JobConfiguration
  let listen: String?
  let json: Bool

  func run() throws {
    Interruption.install()
    let console = Console()
    let started = Date()
    let directory = try RunDirectory.create(job.runDirectory)
    defer { directory.removeSpool() }
    let plan: Plan
    do {
      plan = try prepare(directory, console)
    } catch {
      // Nothing has run: the name is free for the next try.
      directory.remove()
      throw error
    }
    let catalogue = try Catalogue.create(at: directory.catalogue)
    try catalogue.record("configuration", plan.configuration)
    try catalogue.record("model", plan.model)
    console.say(
      "\(job.model.rawValue): \(Format.count(Double(plan.train?.rows ?? 0))) rows of \(plan.model.fields) fields, "
        + "\(job.servers) servers, \(job.workers) workers, run directory \(directory.path)")
    let result = try Cluster(
      plan: plan, listen: listen, logs: directory.logs, catalogue: catalogue, console: console
    ).run()
    let report = TrainingReport(
      result, model: job.model.rawValue, seconds: Date().timeIntervalSince(started), runDirectory: directory.path)
    print(try json ? report.json() : report.table(truth: Truth.beside(job.valid)))
  }

  /// Reads through the data and writes the effective configuration.
  private func prepare(_ directory: RunDirectory, _ console: Console) throws -> Plan {
    var job = job
    job.runDirectory = directory.path
    let train = try index(job.train, "train", directory, console)
    let valid = job.valid.isEmpty ? nil : try index(job.valid, "valid", directory, console)
    if let valid, valid.fields != train.fields {
      throw RunFailure(
        sentence: "\(job.valid[0]) has \(valid.fields) fields, \(job.train[0]) has \(train.fields). "
          + "Give both the same layout.")
    }
    let model = job.modelConfiguration(fields: train.fields)
    let plan = try Plan(
      purpose: .train, configuration: job, model: model, train: train, evaluation: valid,
      databases: directory.shards(servers: job.servers), gatherSeconds: listen == nil ? 30 : 300)
    try ConfigurationFile.write(job, to: directory.configuration)
    return plan
  }

  private func index(
    _ files: [String], _ purpose: String, _ directory: RunDirectory, _ console: Console
  ) throws -> DatasetIndex {
    try DatasetIndex.build(files: files, format: job.format, spool: "\(directory.spool)/\(purpose)") { read, total in
      try Interruption.check()
      console.show("reading \(purpose) data", share: Double(read) / Double(max(1, total)))
    }
  }
}
