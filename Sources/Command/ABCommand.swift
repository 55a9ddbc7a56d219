import ArgumentParser
import Comparison
import Features
import Foundation
import Run

struct ABCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ab",
    abstract:
      "Compare the groups of an A/B test by a log of its impressions: clicks an impression, and a user, by day.",
    discussion: """
      The log is CSV with a header, a row an impression. CTR is clicks over impressions (paper, eq. 12), CVR clicks over users \
      (eq. 13), where --user names them. Improvements are relative to --baseline, with 95 % intervals of the ratio of two means; \
      days are Greenwich's. With --out, a chart of the improvements as figure 15.

        deepfm ab log.csv --group policy --baseline random --time timestamp --click click --out ab.svg
      """)

  @Argument(help: ArgumentHelp("The log.", valueName: "file"))
  var data: [String]

  @Option(help: ArgumentHelp("The column of the groups.", valueName: "column"))
  var group: String

  @Option(help: ArgumentHelp("The group that others are compared with. Default: the first by name.", valueName: "name"))
  var baseline: String?

  @Option(
    help: ArgumentHelp(
      "The column that says whether there was a click, or a rule such as rating >= 4.", valueName: "rule"),
    transform: { try LabelRule.parse($0) })
  var click = LabelRule(column: "click")

  @Option(help: ArgumentHelp("The column that says when.", valueName: "column"))
  var time = "timestamp"

  @Option(
    help: ArgumentHelp("How it is written, as in a schema. Default: as the data tell.", valueName: "format"),
    transform: { text in
      guard let format = TimeFormat(text) else {
        throw ValidationError("\"\(text)\" is none; write \(TimeFormat.help)")
      }
      return format
    })
  var timeFormat: TimeFormat?

  @Option(help: ArgumentHelp("The column that says who saw it, for CVR.", valueName: "column"))
  var user: String?

  @Option(help: ArgumentHelp("A file for the chart, *.svg.", valueName: "file"))
  var out: String?

  @Flag(help: "Print one JSON line a group and day instead of a table.")
  var json = false

  private struct Line: Encodable {
    let group: String
    /// nil: all.
    @OrNull var day: String?
    let measure: String
    let count: Int
    let clicks: Double
    @OrNull var rate: Double?
    @OrNull var improvement: Double?
    @OrNull var low: Double?
    @OrNull var high: Double?
  }

  func run() throws {
    let log = try Histories(caller: .person(Console())).exposures(
      data, .init(group: group, click: click, time: time, user: user, format: timeFormat))
    let base = baseline ?? log.groups.first ?? ""
    guard log.groups.contains(base), log.groups.count > 1 else {
      throw ValidationError(
        "--baseline \(base): the column \(group) has the groups \(log.groups.joined(separator: ", ")).")
    }
    let measures: [(String, (String, Int?) -> ExposureLog.Rate)] =
      [("CTR", { log.clickThroughRate($0, day: $1) })]
      + (user == nil ? [] : [("CVR", { log.conversionRate($0, day: $1) })])
    var lines: [Line] = []
    for (measure, rate) in measures {
      for day in log.days.map(Optional.some) + [nil] {
        for name in [base] + log.groups.filter({ $0 != base }) {
          let ours = rate(name, day)
          guard ours.count > 0 else { continue }
          let improvement = name == base ? nil : ExposureLog.Improvement(of: ours, over: rate(base, day))
          lines.append(
            Line(
              group: name, day: day.map { Instant.date(ofDay: $0) }, measure: measure, count: ours.count,
              clicks: ours.sum,
              rate: ours.mean, improvement: improvement?.value, low: improvement?.low, high: improvement?.high))
        }
      }
    }
    if let out { try Charts.write(chart(lines, base), to: out) }
    if json { return try lines.forEach { print(try JSONLine.encode($0)) } }
    print(table(lines, base))
  }

  private func table(_ lines: [Line], _ base: String) -> String {
    TextTable(
      ["", "day", "group", "of", "clicks", "rate", "over \(base)", "95 %"],
      lines.map { line in
        let improvement = line.improvement.map { Format.fixed(100 * $0, 1) + " %" } ?? (line.group == base ? "" : "-")
        let ends = line.low.flatMap { low in
          line.high.map { "\(Format.fixed(100 * low, 1)) to \(Format.fixed(100 * $0, 1)) %" }
        }
        return [
          line.measure, line.day ?? "all", line.group, line.count.grouped, Int(line.clicks).grouped,
          Format.fixed(line.rate, 5), improvement, ends ?? "",
        ]
      }, right: [3, 4, 5, 6, 7]
    ).text
  }

  private func chart(_ lines: [Line], _ base: String) -> String {
    // Labels are short: what is the same in all is left out.
    let compared = lines.filter { $0.improvement != nil }
    let (measures, groups) = (Set(compared.map(\.measure)), Set(compared.map(\.group)))
    let bars = compared.map { line in
      let parts = [
        measures.count > 1 ? line.measure : nil, groups.count > 1 ? line.group : nil,
        line.day.map { String($0.suffix(5)) } ?? "all",
      ]
      return BarChart.Bar(
        label: parts.compactMap { $0 }.joined(separator: " "), value: 100 * (line.improvement ?? 0),
        low: 100 * (line.low ?? 0), high: 100 * (line.high ?? 0))
    }
    return BarChart(title: "Improvement over \(base)", axis: "percent", bars: bars).svg()
  }
}
