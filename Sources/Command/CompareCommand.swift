import ArgumentParser
import Comparison

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Train several models with several seeds and print the paper's tables IV and V.",
    discussion: """
      Trains each model once a seed on this machine, with the same flags for all, and tests it on --test. Results are \
      kept in DIR/results.sqlite: started again, the command goes on where it was interrupted. Leaves results.md, \
      results.csv, auc.svg and logloss.svg in DIR.

        deepfm compare --models lr,fm,deepfm-d --seeds 5 --train a.txt --valid b.txt --test c.txt --out comparison
      """)

  @OptionGroup var options: TrialOptions

  func run() throws {
    let trials = try options.trials()
    let report = ComparisonReport(try trials.run())
    func chart(_ title: String, _ metric: (ComparisonReport.Row) -> Sample) -> String {
      let bars = report.rows.map {
        BarChart.Bar(label: $0.model.title, value: metric($0).mean, error: metric($0).deviation)
      }
      return BarChart(title: title, axis: title, bars: bars).svg()
    }
    try trials.write([
      "results.md": report.markdown(), "results.csv": report.csv(), "auc.svg": chart("AUC") { $0.auc },
      "logloss.svg": chart("Logloss") { $0.logloss },
    ])
    print(report.markdown())
  }
}
