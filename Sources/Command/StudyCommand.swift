import ArgumentParser
import Comparison
import Run

struct StudyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "study",
    abstract: "Vary one setting and draw how AUC and logloss follow, as the paper's Fig. 10 to 14.",
    discussion: """
      activation: relu, tanh. keep: 1.0 to 0.5. neurons: 100 to 800 a layer. layers: 1 to 7. shape: constant, \
      increasing, decreasing, diamond, of one total. All else is as the flags say. Results are kept as by `compare`.

        deepfm study --vary keep --models deepfm-d,dnn --seeds 3 --train a.txt --test c.txt --out study-keep
      """)

  @Option(help: "The setting.", transform: named)
  var vary: Variation

  @OptionGroup var options: TrialOptions

  func run() throws {
    let trials = try options.trials()
    let results = try trials.run { vary.variants(of: $0) }
    let places = vary.variants(of: try options.job.settings()).map(\.label)
    func lines(_ metric: KeyPath<RunRecord, Double>) -> [LineChart.Line] {
      options.models.names.map { model in
        LineChart.Line(
          label: model.title,
          points: places.map { place in
            Sample(
              results.filter { $0.model == model.rawValue && $0.variant == place }.map { $0[keyPath: metric] })
          })
      }
    }
    let (aucs, loglosses) = (lines(\.auc), lines(\.logloss))
    var table = ["| \(vary.rawValue) | model | AUC | logloss |", "|---|---|---|---|"]
    for (place, label) in places.enumerated() {
      for (auc, logloss) in zip(aucs, loglosses) {
        let cells = [auc, logloss].map { line in
          "\(Format.fixed(line.points[place].mean, 5)) ± \(Format.fixed(line.points[place].deviation, 5))"
        }
        table.append("| \(label) | \(auc.label) | \(cells[0]) | \(cells[1]) |")
      }
    }
    let markdown = table.joined(separator: "\n") + "\n"
    func chart(_ axis: String, _ lines: [LineChart.Line]) -> String {
      LineChart(title: "\(axis) by \(vary.rawValue)", axis: axis, places: places, lines: lines).svg()
    }
    try trials.write([
      "\(vary.rawValue).md": markdown, "\(vary.rawValue)-auc.svg": chart("AUC", aucs),
      "\(vary.rawValue)-logloss.svg": chart("Logloss", loglosses),
    ])
    print(markdown)
  }
}
