import Checkpoint
import Coordinator
import Features
import Foundation
import Job

/// The data of a run, found and read through.
struct TrainingData {
  var train: DatasetIndex
  var valid: DatasetIndex?
  var vocabulary: Vocabulary?
  /// By file, the workers that have it; nil: all can read all.
  var trainHolders: [[Int]]?
  var validHolders: [[Int]]?
}

/// Finds the data that a job names, and leaves in the run directory what it takes to read more like them: schema,
/// vocabulary, and the packed form if there is to be one.
struct DataSource {
  private let settings: Settings
  private let schema: Schema
  /// Of data that a run trained on earlier: those that come later are encoded like them.
  private let known: Encoding?
  /// What a new run starts from.
  private let starting: StartingModel?
  /// Of the stage that is to read the data.
  private let number: Int
  private let directory: RunDirectory
  private let caller: Caller

  /// - Parameter number: of the stage that is to read the data.
  init(
    _ settings: Settings, number: Int, _ directory: RunDirectory, _ catalogue: Catalogue, _ caller: Caller
  ) throws {
    self.settings = settings
    self.number = number
    self.directory = directory
    self.caller = caller
    // What the run was given at its beginning is there, wherever that file is now.
    let isKept = FileManager.default.fileExists(atPath: directory.schema)
    schema = isKept ? try Schema.named(directory.schema) : try settings.data.readSchema()
    starting = number > 0 ? nil : try settings.startingModel()
    known = number > 0 ? try catalogue.fact(RunFact.encoding(number - 1), as: Encoding.self) : starting?.encoding
  }

  /// Data that everyone can read.
  func read() throws -> TrainingData {
    var train: DatasetIndex
    if let known {
      train = try DatasetIndex.build(settings.data.train, encoding: known, reading("train", settings.sampling))
    } else {
      train = try DatasetIndex.build(settings.data.train, schema: schema, reading("train", settings.sampling))
    }
    let vocabulary = try adoptVocabulary(for: &train)
    // Packed data say themselves what they are.
    if known == nil, !train.files.contains(where: \.isPacked) { try keepSchema() }
    if settings.data.cache { train = try pack(train, vocabulary) }
    var valid: DatasetIndex?
    if !settings.data.valid.isEmpty {
      valid = try DatasetIndex.build(settings.data.valid, encoding: train.encoding, reading("valid"))
    }
    caller.sayWhatWasFound(train, " of the training data")
    if let valid { caller.sayWhatWasFound(valid, " of the validation data") }
    return TrainingData(train: train, valid: valid, vocabulary: vocabulary)
  }

  /// Data that workers have, each its own.
  func survey(with cluster: Cluster) throws -> TrainingData {
    // What is here is named file by file; what is elsewhere by patterns.
    func names(_ names: [String]) -> [String] { (try? DataFiles.expand(names)) ?? names }
    let order = SurveyOrder(
      train: names(settings.data.train), valid: names(settings.data.valid), schema: schema,
      badRows: settings.data.badRowPolicy, sampling: settings.sampling)
    let found = try cluster.run(
      Plan(.survey(order), stage: number, settings: settings, gatherSeconds: cluster.gatherSeconds)
    ).surveys
    guard let train = try DatasetSurvey.merge(found.map(\.train), schema: schema) else {
      throw RunFailure.failed(
        "no worker has a file that \(settings.data.train.joined(separator: ", ")) names. Start workers with --files.")
    }
    var trainIndex = train.survey.index(known == nil ? schema : nil)
    if let known {
      guard trainIndex.encoding.columns == known.columns, trainIndex.fieldNames == known.fieldNames else {
        throw RunFailure.failed(
          "\(settings.data.train.joined(separator: ", ")) has other columns or fields than the data that the run trained on before."
        )
      }
      trainIndex.encoding = known
    }
    let vocabulary = try adoptVocabulary(for: &trainIndex)
    var data = TrainingData(train: trainIndex, vocabulary: vocabulary, trainHolders: train.holders)
    if !settings.data.valid.isEmpty {
      guard let valid = try DatasetSurvey.merge(found.map(\.valid), schema: schema) else {
        throw RunFailure.failed(
          "no worker has a file that \(settings.data.valid.joined(separator: ", ")) names. Start workers with --files.")
      }
      var index = valid.survey.index(nil)
      guard index.encoding.columns == data.train.encoding.columns else {
        throw RunFailure.failed(
          "\(settings.data.valid.joined(separator: ", ")) has its columns in another order than the training data, or others."
        )
      }
      index.encoding = data.train.encoding
      data.valid = index
      data.validHolders = valid.holders
    }
    if known == nil { try keepSchema() }
    caller.sayWhatWasFound(data.train, " of the training data")
    if let valid = data.valid { caller.sayWhatWasFound(valid, " of the validation data") }
    return data
  }

  private func reading(_ purpose: String, _ sampling: NegativeSampling? = nil) -> ReadingOptions {
    var options = caller.reading(
      "reading \(purpose) data", spool: "\(directory.spool)/\(number)/\(purpose)", badRows: settings.data.badRowPolicy)
    options.sampling = sampling
    return options
  }

  /// Has the index use the run's vocabulary, a copy of which stays in the run directory.
  private func adoptVocabulary(for index: inout DatasetIndex) throws -> Vocabulary? {
    if let known, starting == nil || known.vocabulary == nil { return try directory.vocabulary(of: known) }
    guard let path = starting?.vocabulary ?? settings.data.vocabulary else {
      guard let known else { return nil }
      throw ConfigurationError.invalid(
        key: "vocab", value: "nothing",
        reason: "the model to start from was trained with the vocabulary \(known.vocabulary ?? ""); name it")
    }
    let (vocabulary, fingerprint) = try VocabularyFile.load(path, for: index.encoding)
    if known != nil || index.files.contains(where: \.isPacked), index.encoding.vocabulary != fingerprint {
      throw VocabularyError.other(path: path, wanted: index.encoding.vocabulary ?? "none", found: fingerprint)
    }
    index.encoding.vocabulary = fingerprint
    do {
      // A run that died before it began may have left one.
      try? FileManager.default.removeItem(atPath: directory.vocabulary)
      try FileManager.default.copyItem(atPath: path, toPath: directory.vocabulary)
    } catch {
      throw RunFailure.unwritable(directory.vocabulary, error)
    }
    return vocabulary
  }

  private func pack(_ index: DatasetIndex, _ vocabulary: Vocabulary?) throws -> DatasetIndex {
    try Packing.pack(index, vocabulary: vocabulary, to: directory.cache(ofStage: number)) { rows in
      try caller.show("packing", rows, of: index.rows)
    }
  }

  private func keepSchema() throws {
    do {
      try schema.yaml.write(toFile: directory.schema, atomically: true, encoding: .utf8)
    } catch {
      throw RunFailure.unwritable(directory.schema, error)
    }
  }
}

extension Settings {
  /// What a new run starts from; nil: from random parameters.
  func startingModel() throws -> StartingModel? { try model.startFrom.map { try StartingModel($0, model.startTables) } }
}
