import Comparison
import DeepFM
import Foundation
import Job

/// Trains and tests every model, variant and seed that has no result yet, with one set of settings.
public struct Trials {
  /// Settings by a label, such as "0.9" where a study varies `keep`.
  public typealias Variant = (label: String, settings: Settings)

  private let settings: Settings
  private let models: [ModelName]
  private let seeds: Int
  private let test: [String]
  private let out: String
  private let cluster: LocalCluster
  private let caller: Caller
  private let store: ResultStore

  /// - Parameters:
  ///   - settings: of every trial but for model, seed and run directory.
  ///   - seeds: runs of each model, with seeds 1, 2 and so on.
  ///   - test: data that no model has seen.
  ///   - out: a directory for results, made if need be. What is known there is not trained again.
  /// - Throws: `ComparisonError` where the directory holds results of other settings, `RunFailure` where it cannot be
  ///   made.
  public init(
    _ settings: Settings, models: [ModelName], seeds: Int, test: [String], out: String,
    cluster: LocalCluster = LocalCluster(), caller: Caller = Caller()
  ) throws {
    self.settings = settings
    self.models = models
    self.seeds = seeds
    self.test = test
    self.out = out
    self.cluster = cluster
    self.caller = caller
    do {
      try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
    } catch {
      throw RunFailure.failed("\(out) cannot be made: \(error.localizedDescription). Choose another --out.")
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let deciding = try encoder.encode(Deciding(settings: settings, test: test))
    store = try ResultStore(path: out + "/results.sqlite", settings: String(decoding: deciding, as: UTF8.self))
  }

  /// What decides the results, besides model, variant and seed.
  private struct Deciding: Encodable {
    var settings: Settings
    var test: [String]
  }

  /// Results of all models, by variant; those that are known are not trained again.
  ///
  /// - Parameter variants: from the settings given to `init`; by default these alone, without a label.
  /// - Throws: like `Training.run` and `Scoring.run`.
  public func run(_ variants: (Settings) -> [Variant] = { [("", $0)] }) throws -> [RunRecord] {
    let all = variants(settings)
    let wanted = (1...UInt64(seeds)).flatMap { seed in
      all.flatMap { variant in models.map { (seed: seed, variant: variant, model: $0) } }
    }
    for (number, trial) in wanted.enumerated() {
      let isKnown = try store.results().contains {
        $0.model == trial.model.rawValue && $0.variant == trial.variant.label && $0.seed == trial.seed
      }
      if isKnown { continue }
      let label = trial.variant.label.isEmpty ? "" : ", \(trial.variant.label)"
      caller.observer.say(
        "run \(number + 1) of \(wanted.count): \(trial.model.title)\(label), seed \(trial.seed)")
      var settings = trial.variant.settings
      settings.model.model = trial.model
      settings.optimization.seed = trial.seed
      try store.record(trainAndTest(settings, variant: trial.variant.label))
    }
    return try store.results().filter { result in
      models.contains { $0.rawValue == result.model } && all.contains { $0.label == result.variant }
        && result.seed <= UInt64(seeds)
    }
  }

  private func trainAndTest(_ wanted: Settings, variant: String) throws -> RunRecord {
    var settings = wanted
    let model = settings.model.model.rawValue
    let directory = "\(out)/\(model)-\(settings.optimization.seed)"
    // What an interrupted run left is no result.
    try? FileManager.default.removeItem(atPath: directory)
    settings.runDirectory = directory
    let trained = try Training(settings, members: .launched(cluster), caller: caller).run()
    let tested = try Scoring(
      runDirectory: directory, data: test, badRows: settings.data.badRowPolicy, caller: caller
    ).run().result
    func known(_ quality: Quality, _ name: String) throws -> Double {
      guard let value = quality.value else {
        throw RunFailure.failed("\(test[0]): there is no \(name) to compare: \(quality.reason ?? "").")
      }
      return value
    }
    let auc = try known(.auc(of: tested.evaluation), "AUC")
    let logloss = try known(.logloss(of: tested.evaluation), "logloss")
    try? FileManager.default.removeItem(atPath: directory)
    return RunRecord(
      model: model, variant: variant, seed: settings.optimization.seed, auc: auc, logloss: logloss,
      trainingSeconds: trained.trainingSeconds, parameterDigest: trained.parameterDigest)
  }

  /// Writes texts into the results' directory, by file name.
  ///
  /// - Throws: `RunFailure`.
  public func write(_ files: [String: String]) throws {
    for (name, text) in files {
      let path = "\(out)/\(name)"
      do {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
      } catch {
        throw RunFailure.unwritable(path, error)
      }
    }
    caller.observer.say("\(files.keys.sorted().joined(separator: ", ")) in \(out)")
  }
}
