import Checkpoint
import Coordinator
import Features
import Foundation
import Job

/// The stages of one run: those that have begun, as its catalogue has them, and those that follow.
struct Stages {
  /// The run's, as they are now.
  let settings: Settings
  let directory: RunDirectory
  let catalogue: Catalogue
  let caller: Caller

  // MARK: Going on

  /// The stage that the run is in, or the one that follows it where it has ended.
  ///
  /// - Parameter rates: settings of learning rates that are others from now on.
  /// - Returns: nil where none has begun.
  /// - Throws: `DatasetError`, `VocabularyError` or `RunFailure` for data that are no longer there.
  func underWay(rates: Resumption.Rates?) throws -> Stage? {
    let count = try catalogue.stages()
    guard count > 0 else { return nil }
    var record = try catalogue.fact(RunFact.stage(count - 1), as: StageRecord.self)
    if let rates {
      rates.lay(over: &record.settings.settings)
      try catalogue.record(RunFact.stage(count - 1), record)
    }
    let stage = try rebuild(count - 1, record, from: count - 1)
    let hasEnded = try catalogue.findFact(RunFact.digest(stage.number), as: String.self) != nil
    if hasEnded, let next = try following(stage) { return next }
    try describe(stage)
    return stage
  }

  private func rebuild(_ number: Int, _ record: StageRecord, from source: Int) throws -> Stage {
    let encoding = try catalogue.fact(RunFact.encoding(source), as: Encoding.self)
    let partitions = try catalogue.partitions(ofStage: source)
    try SpooledData(settings: record.settings.settings.data, encoding: encoding, directory: directory, caller: caller)
      .makeAnew(for: partitions)
    let old = record.settings.settings
    var start = record.start
    // The run's directory may have moved since.
    if let chain = start.restore?.chain { start.restore?.chain = chain.map(directory.find) }
    return Stage(
      number: number, record: record,
      model: try ModelPlan(
        settings: old, model: old.modelConfiguration(fields: encoding.fields.count), partitions: partitions,
        encoding: encoding, vocabulary: directory.vocabulary(of: encoding), isLocal: record.isLocal,
        start: start))
  }

  private func describe(_ stage: Stage) throws {
    let history = try catalogue.history()
    let epochs = history.epochs(ofStage: stage.number).count
    let model = stage.record.settings.settings.model.model.rawValue
    let state =
      if let last = history.lastCheckpoint(ofStage: stage.number) {
        "the last checkpoint is \(last.number), at step \(last.step)"
      } else {
        "there is no checkpoint yet: it starts from step \(stage.model.start.clock), unless members of it live"
      }
    caller.observer.say(
      "\(model) goes on after \(epochs) of \(settings.optimization.epochs) epochs; \(state); run directory "
        + directory.path)
  }

  // MARK: Beginning

  /// The next stage, on these data: the first, or one that goes on from the state that the run has come to.
  func begin(_ data: TrainingData) throws -> Stage {
    let number = try catalogue.stages()
    var settings = settings
    let pretraining = number == 0 ? settings.model.model.definition.pretraining : nil
    if let pretraining { settings.model.model = pretraining }
    let configuration = settings.modelConfiguration(fields: data.train.fields)
    var start = ModelPlan.Start()
    if number == 0, let starting = try settings.startingModel() {
      start = try starting.start(makeModel(configuration), in: directory, run: catalogue.fact("run"))
    }
    if number > 0 {
      guard let end = try catalogue.end(ofStage: number - 1) else {
        throw RunFailure.failed("\(directory.path) has no checkpoint to go on from with new data. Train anew on them.")
      }
      start = end
    }
    let model = try ModelPlan(
      settings: settings, model: configuration, train: data.train,
      evaluation: data.valid, trainHolders: data.trainHolders, evaluationHolders: data.validHolders,
      vocabulary: data.vocabulary, start: start)
    let indices = [data.train, data.valid].compactMap { $0 }
    let stage = Stage(
      number: number,
      record: StageRecord(
        settings: SavedSettings(settings), start: start, isPretraining: pretraining != nil,
        isLocal: data.trainHolders != nil, skipped: indices.reduce(0) { $0 + $1.skipped }), model: model)
    try catalogue.record(stage, encoding: data.train.encoding)
    for index in indices where index.skipped > 0 {
      try catalogue.record(event: "skipped \(index.skipped) bad rows, the first: \(index.firstBadRow ?? "")")
    }
    sayBeginning(of: stage)
    return stage
  }

  /// The stage that starts from this one, which has ended, on the same data; nil where none does.
  func following(_ stage: Stage) throws -> Stage? {
    guard stage.record.isPretraining else { return nil }
    guard let start = try catalogue.end(ofStage: stage.number, onlyParametersOf: [ParameterTables.sparse]) else {
      throw RunFailure.failed("\(directory.path) has no checkpoint of stage \(stage.number) to start from.")
    }
    var record = stage.record
    record.settings.settings.model.model = settings.model.model
    record.start = start
    record.isPretraining = false
    let next = try rebuild(stage.number + 1, record, from: stage.number)
    try catalogue.record(next, encoding: catalogue.fact(RunFact.encoding(stage.number), as: Encoding.self))
    sayBeginning(of: next)
    return next
  }

  private func sayBeginning(of stage: Stage) {
    caller.observer.say(
      "\(stage.record.settings.settings.model.model.rawValue): \(stage.model.data.rows.grouped) rows of "
        + "\(stage.model.model.fields) fields, \(settings.cluster.servers) servers, \(settings.cluster.workers) workers, "
        + "run directory \(directory.path)")
  }
}

/// Copies of data that cannot be sought, which are gone once a run has done what it was to do.
struct SpooledData {
  let settings: DataSettings
  let encoding: Encoding
  let directory: RunDirectory
  let caller: Caller

  /// Makes those copies again that partitions name and that are gone.
  func makeAnew(for partitions: [PartitionRecord]) throws {
    for (purpose, names) in [("train", settings.train), ("evaluation", settings.valid)] {
      var missing = try self.missing(purpose, partitions)
      guard let first = missing.first else { continue }
      if names.contains("-") {
        throw RunFailure.failed(
          "\(first) is gone: the copy of data that came from standard input. Train anew on them, from a file.")
      }
      let spool = (first as NSString).deletingLastPathComponent
      // Bad rows are those that the partitions leave out.
      _ = try DatasetIndex.build(
        names, encoding: encoding,
        caller.reading("reading \(purpose) data", spool: spool, badRows: .skip(limit: .max)))
      missing = try self.missing(purpose, partitions)
      if let first = missing.first {
        throw RunFailure.failed(
          "\(first) is gone, a copy of data that \(names.joined(separator: ", ")) named. Give these names the same files."
        )
      }
    }
  }

  private func missing(_ purpose: String, _ partitions: [PartitionRecord]) throws -> [String] {
    var paths: Set<String> = []
    for record in partitions where record.purpose == purpose {
      for file in try Partition(decoding: Array(record.article)).files where file.path.hasPrefix(directory.spool + "/")
      {
        paths.insert(file.path)
      }
    }
    return paths.filter { !FileManager.default.fileExists(atPath: $0) }.sorted()
  }
}
