import ArgumentParser
import Features
import Foundation
import Job
import Run

struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Write a run's click probabilities for a data set, one a line, in the order of the rows.",
    discussion: """
      The data need no labels. Where they have a header, columns are found by their names, in any order, and others may be \
      among them. A number far outside of what the training data had counts as the nearest that is not, which is said. With \
      --bad-rows skip, a row that cannot be read leaves an empty line.
      """)

  @OptionGroup var options: ScoreOptions

  @Option(help: ArgumentHelp("Where to write. The file appears when it is complete.", valueName: "file"))
  var out: String

  @Option(
    help: ArgumentHelp(
      "Columns of the data to write before each probability, as CSV with a header.", valueName: "name,name..."),
    transform: { $0.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } })
  var columns: [String] = []

  @Option(
    help: ArgumentHelp(
      "Print what the logits of so many rows are made of: by field its terms of order 1 and 2.", valueName: "n"))
  var explain = 0

  func validate() throws {
    guard explain >= 0 else { throw ValidationError("--explain \(explain): choose a number of rows") }
  }

  func run() throws {
    try DataFiles.protect(options.data, from: [out])
    let scoring = try options.scoring(labels: false)
    let scored = try scoring.run()
    let text = try Predictions.text(scored.result.logits, of: scored.data, columns: columns)
    do {
      try text.write(toFile: out, atomically: true, encoding: .utf8)
    } catch {
      throw RunFailure.failed("\(out) cannot be written: \(error.localizedDescription). Is the disk full?")
    }
    Console().say("\(Format.count(Double(scored.result.rows))) probabilities in \(out)")
    guard explain > 0 else { return }
    let (fields, rows) = try scoring.explain(explain)
    print(rows.enumerated().map { ExplanationReport.text($1, row: $0, fields) }.joined(separator: "\n\n"))
  }
}

/// What to score, with which run's checkpoint: in this process, or where --servers is given on servers and workers that are
/// launched on this machine.
struct ScoreOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The directory of a training run, or a file of `deepfm export`.", valueName: "dir"))
  var runDir: String

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("The data, read as the run's training data were; - for standard input.", valueName: "file"))
  var data: [String]

  @OptionGroup var which: CheckpointOption

  @Option(help: "Rows that cannot be read: fail, or skip to count them and go on.", transform: named)
  var badRows = DataSettings().badRows

  @Option(help: "With --bad-rows skip, the most that are skipped.")
  var maxBadRows = DataSettings().maxBadRows

  @Option(help: "Threads that compute. Default: one a core.")
  var threads = 0

  @Option(help: "Parameter servers to launch, for a model that does not fit into one process. Default: none.")
  var servers: Int?

  @Option(help: "With --servers, workers to launch.")
  var workers = 1

  func validate() throws {
    guard threads >= 0, servers ?? 1 > 0, workers > 0 else {
      throw ValidationError("--threads, --servers and --workers are numbers of at least 1")
    }
  }

  /// - Parameter labels: whether rows have some.
  func scoring(labels: Bool) throws -> Scoring {
    var reading = DataSettings()
    reading.badRows = badRows
    reading.maxBadRows = maxBadRows
    try reading.validate()
    return Scoring(
      runDirectory: runDir, data: data, checkpoint: which.checkpoint, badRows: reading.badRowPolicy, labels: labels,
      threads: threads,
      on: servers.map { .init(servers: $0, workers: workers, cluster: .ownChildren) }, caller: .person(Console()))
  }
}
