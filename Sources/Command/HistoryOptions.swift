import ArgumentParser
import Features

extension LabelRule {
  /// Reads an option's value.
  static func parse(_ text: String) throws -> LabelRule {
    guard let rule = LabelRule(text) else {
      throw ValidationError(
        "\"\(text)\" is no rule; write a column, or a column, a comparison and a number or text: rating >= 4")
    }
    return rule
  }
}

/// What users chose before.
struct HistoryOptions: ParsableArguments {
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("What users chose: rows of users and items, and a label.", valueName: "file"))
  var history: [String] = []

  @Option(
    help: ArgumentHelp(
      "Which rows of the history were chosen: a column, or a rule such as rating >= 4. Default: the column label, if there is one.",
      valueName: "rule"),
    transform: { try LabelRule.parse($0) })
  var label: LabelRule?
}
