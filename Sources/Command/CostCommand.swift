import ArgumentParser
import Comparison
import DeepFM
import Run

struct CostCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cost",
    abstract: "Draw each model's training time relative to LR's, as the paper's Fig. 9.",
    discussion: """
      Trains LR and the models named, and compares the seconds of training alone, FNN's with its pre-training. Runs \
      follow each other on this machine: leave it alone meanwhile.

        deepfm cost --models all --seeds 3 --epochs 1 --train a.txt --test c.txt --out cost
      """)

  @OptionGroup var options: TrialOptions

  func run() throws {
    var options = options
    if !options.models.names.contains(.lr) { options.models.names.insert(.lr, at: 0) }
    let trials = try options.trials()
    let results = try trials.run()
    func seconds(_ model: ModelName) -> Sample {
      Sample(results.filter { $0.model == model.rawValue }.map(\.trainingSeconds))
    }
    let base = seconds(.lr).mean
    let bars = options.models.names.map { model in
      BarChart.Bar(label: model.title, value: seconds(model).mean / base, error: seconds(model).deviation / base)
    }
    var table = ["| model | seconds | relative to LR |", "|---|---|---|"]
    for (model, bar) in zip(options.models.names, bars) {
      table.append("| \(model.title) | \(Format.fixed(seconds(model).mean, 2)) | \(Format.fixed(bar.value, 2)) |")
    }
    let markdown = table.joined(separator: "\n") + "\n"
    try trials.write([
      "cost.md": markdown,
      "cost.svg": BarChart(title: "Training time relative to LR", axis: "Time / LR's", bars: bars, startsAtZero: true)
        .svg(),
    ])
    print(markdown)
  }
}
