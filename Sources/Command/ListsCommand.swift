import ArgumentParser
import Comparison
import Foundation
import Run

struct ListsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lists",
    abstract:
      "Measure lists of `deepfm recommend`: personalization, coverage and popularity, of two runs side by side.",
    discussion: """
      As the paper does (IV-D, eqs. 14 to 18): how different the lists of users of different groups are, the share of the candidates \
      that is recommended to anybody, and how often what is recommended was chosen before, against what was chosen most often, \
      with its variance over the lists. With --out, charts as figures 16 to 18.

        deepfm lists lr.csv deepfm.csv --items items.csv --history train.csv --top 5,10,20 --out charts
      """)

  @Argument(help: ArgumentHelp("Files of `deepfm recommend`.", valueName: "lists"))
  var lists: [String]

  @Option(parsing: .upToNextOption, help: ArgumentHelp("The candidates that were ranked.", valueName: "file"))
  var items: [String]

  @OptionGroup var past: HistoryOptions

  @Option(help: ArgumentHelp("How many of each list count.", valueName: "n,n..."), transform: { try Tops.parse($0) })
  var top = [5, 10, 20]

  @Option(help: ArgumentHelp("The column that names items.", valueName: "column"))
  var item = "item"

  @Option(help: ArgumentHelp("A directory for charts.", valueName: "dir"))
  var out: String?

  @Flag(help: "Print one JSON line a file and length instead of a table.")
  var json = false

  private struct Line: Encodable {
    let lists: String
    let top: Int
    @OrNull var personalization: Double?
    let coverage: Double
    let popularity: Double
    let popularityVariance: Double

    enum CodingKeys: String, CodingKey {
      case lists, top, personalization, coverage, popularity
      case popularityVariance = "popularity_variance"
    }
  }

  func validate() throws {
    guard !past.history.isEmpty else { throw ValidationError("Name a --history of what users chose before.") }
  }

  func run() throws {
    let caller = Caller.person(Console())
    let histories = Histories(caller: caller)
    let candidates = try histories.count(items, name: item)
    var chosen: [String: Int] = [:]
    try histories.forEachChoice(past.history, columns: [item], label: past.label) { chosen[$0[0], default: 0] += 1 }
    var lines: [Line] = []
    for file in lists {
      let lists = try histories.lists(file)
      let name = ((file as NSString).lastPathComponent as NSString).deletingPathExtension
      for top in top {
        guard top <= lists.depth else {
          throw ValidationError(
            "--top \(top): \(file) has a list of \(lists.depth) items. Recommend with --top \(top).")
        }
        let popularity = lists.popularity(top: top, history: chosen)
        lines.append(
          Line(
            lists: name, top: top, personalization: lists.personalization(top: top),
            coverage: lists.coverage(top: top, candidates: candidates), popularity: popularity.mean,
            popularityVariance: popularity.variance))
      }
    }
    if let out { try draw(lines, into: out) }
    if json { return try lines.forEach { print(try JSONLine.encode($0)) } }
    print(
      TextTable(
        ["lists", "top", "personalization", "coverage", "popularity", "its variance"],
        lines.map {
          [
            $0.lists, "\($0.top)", Format.fixed($0.personalization, 4), Format.fixed($0.coverage, 4),
            Format.fixed($0.popularity, 4), Format.fixed($0.popularityVariance, 5),
          ]
        }, right: [1, 2, 3, 4, 5]
      ).text)
  }

  private func draw(_ lines: [Line], into folder: String) throws {
    let names = lines.map(\.lists).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    for (file, title, value) in [
      ("personalization", "Personalization@L", { $0.personalization ?? .nan }),
      ("coverage", "Coverage@L", { $0.coverage }), ("popularity", "Popularity@L", { $0.popularity }),
      ("popularity-variance", "Variance of popularity@L", { $0.popularityVariance }),
    ] as [(String, String, (Line) -> Double)] {
      let chart = LineChart(
        title: title, axis: title, places: top.map { "L = \($0)" },
        lines: names.map { name in
          .init(label: name, points: lines.filter { $0.lists == name }.map { Sample([value($0)]) })
        })
      try Charts.write(chart.svg(), to: "\(folder)/\(file).svg")
    }
  }
}
