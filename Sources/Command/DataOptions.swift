import ArgumentParser
import Features
import Job

/// The flags that say how data are written and read, for every command that reads some.
struct DataOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What the columns mean: \(names(SchemaPreset.self)), or a YAML file; see `deepfm help schema`. Default: \(SchemaPreset.criteo.rawValue).",
      valueName: "name|file"))
  var schema: String?

  @Option(
    help: ArgumentHelp(
      "How rows are written: \(names(DataFormat.self)). Default: as the schema says; without one, the preset of that name."
    ), transform: named)
  var format: DataFormat?

  @Option(help: ArgumentHelp("Between columns: one character, or tab. Default: as the schema says.", valueName: "char"))
  var separator: String?

  @Option(
    help: .init("Rows that cannot be read: fail, or skip to count them and go on.", default: \.data.badRows),
    transform: named)
  var badRows: BadRows?

  @Option(help: .init("With --bad-rows skip, the most that are skipped.", default: \.data.maxBadRows))
  var maxBadRows: Int?

  func override(_ settings: inout DataSettings) {
    if let schema { settings.schema = schema }
    if let format { settings.format = format }
    if let separator { settings.separator = separator }
    if let badRows { settings.badRows = badRows }
    if let maxBadRows { settings.maxBadRows = maxBadRows }
  }
}
