import ArgumentParser
import Features
import Job

/// The flags that say how data are written and read, for every command that reads some.
struct DataOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What the columns mean: \(SchemaPreset.allCases.map(\.rawValue).joined(separator: ", ")), or a YAML file; see `deepfm help schema`. Default: criteo.",
      valueName: "name|file"))
  var schema: String?

  @Option(
    help: ArgumentHelp(
      "How rows are written: \(DataFormat.allCases.map(\.rawValue).joined(separator: ", ")). Default: as the schema says; without one, the preset of that name."
    ), transform: named)
  var format: DataFormat?

  @Option(help: ArgumentHelp("Between columns: one character, or tab. Default: as the schema says.", valueName: "char"))
  var separator: String?

  @Option(help: "Rows that cannot be read: fail, or skip to count them and go on. Default: fail.", transform: named)
  var badRows: BadRows?

  @Option(help: "With --bad-rows skip, the most that are skipped. Default: 1000.")
  var maxBadRows: Int?

  func override(_ job: inout JobConfiguration) {
    if let schema { job.schema = schema }
    if let format { job.format = format }
    if let separator { job.separator = separator }
    if let badRows { job.badRows = badRows }
    if let maxBadRows { job.maxBadRows = maxBadRows }
  }
}
