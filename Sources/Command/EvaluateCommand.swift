import ArgumentParser
import Comparison
import DeepFM
import Run

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Measure AUC and logloss of a run's checkpoint, and how well it is calibrated.",
    discussion: """
      Calibration is predicted clicks over those observed: 1 is right on the whole. --bins tells it for tenths of the rows, from the \
      least likely to the likeliest, --by for groups of rows. GAUC is how well each user's own rows are ranked: the mean of \
      users' AUCs, weighted by their rows.

        deepfm evaluate --run-dir runs/first --data day_7.txt --by device --gauc user --bins --chart calibration.svg
      """)

  @OptionGroup var options: ScoreOptions

  @Option(help: ArgumentHelp("A column whose values are groups, to be measured one by one.", valueName: "column"))
  var by: String?

  @Option(help: ArgumentHelp("The column of users, for GAUC.", valueName: "column"))
  var gauc: String?

  @Flag(help: "Tell the calibration of tenths of the rows.")
  var bins = false

  @Option(help: ArgumentHelp("A file for a chart of these, *.svg.", valueName: "file"))
  var chart: String?

  @Flag(help: "Print one JSON line instead of a table.")
  var json = false

  /// Of groups in a table.
  private static let most = 30

  func run() throws {
    let scored = try options.scoring(labels: true).run()
    let (labels, logits) = (scored.result.labels, scored.result.logits)
    var report = EvaluationReport(scored, runDirectory: options.runDir)
    if bins || chart != nil {
      report.bins = Metrics.calibration(labels: labels, logits: logits).map(EvaluationReport.Bin.init)
    }
    if let by {
      report.groups = Metrics.byGroup(labels: labels, logits: logits, groups: try scored.texts(of: by))
        .map(EvaluationReport.Group.init)
    }
    if let gauc {
      report.take(
        Metrics.groupedAUC(Metrics.byGroup(labels: labels, logits: logits, groups: try scored.texts(of: gauc))))
    }
    if let chart { try Charts.write(Self.chart(report.bins ?? []).svg(), to: chart) }
    print(try json ? JSONLine.encode(report) : report.table(groups: Self.most))
  }

  private static func chart(_ bins: [EvaluationReport.Bin]) -> LineChart {
    LineChart(
      title: "Calibration by tenths of the rows", axis: "clicks a row", places: bins.indices.map { "\($0 + 1)" },
      lines: [
        .init(label: "predicted", points: bins.map { Sample([$0.predicted]) }),
        .init(label: "observed", points: bins.map { Sample([$0.observed]) }),
      ])
  }
}
