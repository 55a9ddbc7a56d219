import ArgumentParser
import Foundation
import Run

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show what a run came to: metrics over time, sizes of tables, the largest rows; or one feature.",
    discussion: """
      Keys of categories are hashes. Where the run has a vocabulary, or --vocab names one of `deepfm vocab build`, features \
      have their names, and their number is told by field.

        deepfm inspect runs/first --data valid.txt
        deepfm inspect runs/first --vocab vocab.sqlite --key site=example.org
      """)

  @Argument(help: ArgumentHelp("The directory of a training run.", valueName: "dir"))
  var runDir: String

  @OptionGroup var which: CheckpointOption

  @Option(help: ArgumentHelp("One feature: its row, and what is nearest to it in its field.", valueName: "field=value"))
  var key: String?

  @Option(help: ArgumentHelp("A vocabulary, for the names of features. Default: the run's own.", valueName: "file"))
  var vocab: String?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Rows to look for dead neurons with, as the training data are.", valueName: "file"))
  var data: [String] = []

  func validate() throws {
    guard key?.contains("=") ?? true else { throw ValidationError("--key \(key ?? ""): expected FIELD=VALUE") }
  }

  func run() throws {
    let inspection = try Inspection(
      runDir, checkpoint: which.checkpoint, vocabulary: vocab, data: data, caller: .person(Console()))
    guard let key else { return print(InspectionReport(inspection).text) }
    let (field, value) = (key.prefix { $0 != "=" }, key.drop { $0 != "=" }.dropFirst())
    print(try InspectionReport(inspection).text(of: inspection.find(field: String(field), value: String(value))))
  }
}

/// An inspection as a person reads it.
struct InspectionReport {
  private let inspection: Inspection

  init(_ inspection: Inspection) { self.inspection = inspection }

  var text: String {
    let (model, settings) = (inspection.model, inspection.settings)
    var parts = [
      """
      \(model.model.rawValue): \(model.fields) fields, vectors of \(model.embedding), hidden layers \
      \(model.hidden.map(String.init).joined(separator: "-")), \(model.activation.rawValue)
      \(inspection.features.grouped) features have rows, \(inspection.denseParameters.grouped) dense parameters
      trained on \(settings.data.train.joined(separator: " ")), batch \(settings.optimization.batch), \
      seed \(settings.optimization.seed)
      """
    ]
    if !inspection.epochs.isEmpty { parts.append(epochs) }
    parts.append(checkpoints)
    if inspection.byField.keys.contains(where: { $0 != nil }) { parts.append(fields) }
    parts.append(
      "\(inspection.changedLately.grouped) rows changed in the last epoch's steps. The largest:\n\n"
        + table(inspection.largest))
    if !inspection.idleNeurons.isEmpty {
      parts.append(
        inspection.idleNeurons.enumerated().map { number, layer in
          "hidden layer \(number): \(layer.idle) of \(layer.neurons) neurons put out nothing for any row of the data"
        }.joined(separator: "\n"))
    }
    if !inspection.events.isEmpty { parts.append("events\n" + inspection.events.suffix(10).joined(separator: "\n")) }
    return parts.joined(separator: "\n\n")
  }

  private var epochs: String {
    let best = inspection.epochs.best(by: inspection.settings.optimization.bestBy)?.epoch
    let rows = inspection.epochs.map { epoch in
      [
        "\(epoch.epoch)\(epoch.epoch == best ? " *" : "")", epoch.rows.grouped, Format.fixed(epoch.trainLogloss, 5),
        Format.fixed(epoch.auc, 5), Format.fixed(epoch.logloss, 5), Format.count(epoch.samplesPerSecond),
        (epoch.tables["sparse"]?.rows ?? 0).grouped, epoch.evicted.grouped,
        epoch.tables.values.reduce(0) { $0 + $1.bytes }.grouped,
      ]
    }
    let titles = ["epoch", "rows", "train logloss", "AUC", "logloss", "samples/s", "features", "evicted", "bytes"]
    var text = TextTable(titles, rows, right: Set(0..<titles.count)).text
    for (name, values) in [
      ("train logloss", inspection.epochs.map(\.trainLogloss)), ("logloss", inspection.epochs.compactMap(\.logloss)),
      ("AUC", inspection.epochs.compactMap(\.auc)),
    ] where values.count > 1 {
      text += "\n\(String(repeating: " ", count: 13 - name.count))\(name)  \(Self.chart(values))"
    }
    return text
  }

  /// A bar an epoch, from the least value to the greatest.
  private static func chart(_ values: [Double]) -> String {
    guard let least = values.min(), let most = values.max() else { return "" }
    let bars = Array("▁▂▃▄▅▆▇█")
    let text = String(values.map { bars[most > least ? Int(7 * ($0 - least) / (most - least)) : 0] })
    return "\(text)  \(Format.fixed(least, 5)) to \(Format.fixed(most, 5))"
  }

  private var checkpoints: String {
    let kept = Set(inspection.checkpoints.last?.kept ?? [])
    let rows = inspection.checkpoints.filter { kept.contains($0.number) }.map { record in
      [
        "\(record.number)\(record.number == inspection.checkpoint.number ? " <" : "")", "\(record.epoch)",
        "\(record.step)", record.base.map(String.init) ?? "-", "\(record.parts.count)", record.rows.grouped,
        record.bytes.grouped,
      ]
    }
    let titles = ["checkpoint", "epoch", "step", "stands on", "files", "rows", "bytes"]
    return TextTable(titles, rows, right: Set(0..<titles.count)).text
  }

  private var fields: String {
    let rows = inspection.byField.sorted { $0.value > $1.value }.map { field, count in
      [field.map { inspection.encoding.fieldNames[$0] } ?? "(unknown)", count.grouped]
    }
    return TextTable(["field", "features"], rows, right: [1]).text
  }

  private func table(_ features: [Inspection.Feature], cosines: [Double]? = nil) -> String {
    let hasUpdates = features.contains { $0.updates != nil }
    let titles = ["feature", "norm"] + (cosines == nil ? [] : ["cosine"]) + ["step"] + (hasUpdates ? ["updates"] : [])
    let rows = features.enumerated().map { place, feature in
      [name(of: feature), Format.fixed(feature.norm, 4)] + (cosines.map { [Format.fixed($0[place], 4)] } ?? [])
        + ["\(feature.step)"] + (feature.updates.map { ["\($0)"] } ?? [])
    }
    return TextTable(titles, rows, right: Set(1..<titles.count)).text
  }

  private func name(of feature: Inspection.Feature) -> String {
    feature.name.map { "\(inspection.encoding.fieldNames[$0.field])=\($0.text)" }
      ?? String(format: "%016llx", feature.key)
  }

  func text(of found: Inspection.Found) -> String {
    var parts = [
      table([found.feature]),
      "key \(String(format: "%016llx", found.feature.key)), parameters "
        + found.feature.parameters.map { "\($0)" }.joined(separator: " "),
    ]
    parts.append(
      found.neighbours.isEmpty
        ? "Nothing else of its field is known: name a vocabulary with --vocab."
        : "nearest in its field\n" + table(found.neighbours.map(\.feature), cosines: found.neighbours.map(\.cosine)))
    return parts.joined(separator: "\n\n")
  }
}
