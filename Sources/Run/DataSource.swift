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
  let settings: Settings
  let schema: Schema
  let directory: RunDirectory
  let caller: Caller

  /// Data that everyone can read.
  func read() throws -> TrainingData {
    var train = try DatasetIndex.build(settings.data.train, schema: schema, reading("train"))
    let vocabulary = try adopt(settings.data.vocabulary, for: &train)
    // Packed data say themselves what they are.
    if !train.files.contains(where: \.isPacked) { try keepSchema() }
    if settings.data.cache { train = try pack(train, vocabulary) }
    var valid: DatasetIndex?
    if !settings.data.valid.isEmpty {
      valid = try DatasetIndex.build(settings.data.valid, encoding: train.encoding, reading("valid"))
    }
    caller.sayWhatWasSkipped(train, " of the training data")
    if let valid { caller.sayWhatWasSkipped(valid, " of the validation data") }
    return TrainingData(train: train, valid: valid, vocabulary: vocabulary)
  }

  /// Data that workers have, each its own.
  func survey(with cluster: Cluster) throws -> TrainingData {
    // What is here is named file by file; what is elsewhere by patterns.
    func names(_ names: [String]) -> [String] { (try? DataFiles.expand(names)) ?? names }
    let order = SurveyOrder(
      train: names(settings.data.train), valid: names(settings.data.valid), schema: schema,
      badRows: settings.data.badRowPolicy)
    let found = try cluster.run(
      Plan(.survey(order), settings: settings, gatherSeconds: cluster.gatherSeconds), catalogue: nil
    ).surveys
    guard let train = try DatasetSurvey.merge(found.map(\.train), schema: schema) else {
      throw RunFailure.failed(
        "no worker has a file that \(settings.data.train.joined(separator: ", ")) names. Start workers with --files.")
    }
    var trainIndex = train.survey.index(schema)
    let vocabulary = try adopt(settings.data.vocabulary, for: &trainIndex)
    var data = TrainingData(train: trainIndex, vocabulary: vocabulary, trainHolders: train.holders)
    if !settings.data.valid.isEmpty {
      guard let valid = try DatasetSurvey.merge(found.map(\.valid), schema: schema) else {
        throw RunFailure.failed(
          "no worker has a file that \(settings.data.valid.joined(separator: ", ")) names. Start workers with --files.")
      }
      var index = valid.survey.index(nil)
      index.encoding = data.train.encoding
      data.valid = index
      data.validHolders = valid.holders
    }
    try keepSchema()
    caller.sayWhatWasSkipped(data.train, " of the training data")
    if let valid = data.valid { caller.sayWhatWasSkipped(valid, " of the validation data") }
    return data
  }

  private func reading(_ purpose: String) -> ReadingOptions {
    caller.reading(
      "reading \(purpose) data", spool: "\(directory.spool)/\(purpose)", badRows: settings.data.badRowPolicy)
  }

  /// Has the index use the vocabulary, a copy of which stays in the run directory.
  private func adopt(_ path: String?, for index: inout DatasetIndex) throws -> Vocabulary? {
    guard let path else { return nil }
    let (vocabulary, fingerprint) = try VocabularyFile.load(path)
    if index.files.contains(where: \.isPacked), index.encoding.vocabulary != fingerprint {
      throw VocabularyError.other(path: path, wanted: index.encoding.vocabulary ?? "none", found: fingerprint)
    }
    index.encoding.vocabulary = fingerprint
    do {
      try FileManager.default.copyItem(atPath: path, toPath: directory.vocabulary)
    } catch {
      throw RunFailure.unwritable(directory.vocabulary, error)
    }
    return vocabulary
  }

  private func pack(_ index: DatasetIndex, _ vocabulary: Vocabulary?) throws -> DatasetIndex {
    try Packing.pack(index, vocabulary: vocabulary, to: directory.cache) { rows in
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
