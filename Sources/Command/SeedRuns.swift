import Comparison
import Foundation
import Run

/// The same job with several seeds, one after the other.
struct SeedRuns {
  private let job: JobOptions
  private let count: Int
  private let json: Bool

  init(_ job: JobOptions, count: Int, json: Bool) { (self.job, self.count, self.json) = (job, count, json) }

  func run() throws {
    let settings = try job.settings()
    let folder = settings.runDirectory ?? "runs/seeds-\(UUID().uuidString.prefix(8).lowercased())"
    var reports: [TrainingReport] = []
    for number in 0..<count {
      var settings = settings
      settings.optimization.seed &+= UInt64(number)
      settings.runDirectory = "\(folder)/seed-\(settings.optimization.seed)"
      let started = Date()
      let trained = try Training(settings, members: .launched(.ownChildren), caller: .person(Console())).run()
      let report = TrainingReport(
        trained, model: settings.model.model, bestBy: settings.optimization.bestBy,
        seconds: Date().timeIntervalSince(started))
      if json { print(try JSONLine.encode(report)) }
      reports.append(report)
    }
    if !json { print(Self.table(reports, firstSeed: settings.optimization.seed)) }
  }

  /// What each came to at its end and at its best, and their means and deviations.
  private static func table(_ reports: [TrainingReport], firstSeed: UInt64) -> String {
    let columns: [(TrainingReport) -> Double?] = [
      { $0.auc.value }, { $0.logloss.value }, { $0.best?.auc }, { $0.best?.logloss },
    ]
    func cells(_ value: (Sample) -> Double) -> [String] {
      columns.map { column in
        let values = reports.compactMap(column)
        return Format.fixed(values.count == reports.count ? value(Sample(values)) : nil, 5)
      }
    }
    let rows = reports.enumerated().map { number, report in
      ["\(firstSeed &+ UInt64(number))"] + columns.map { Format.fixed($0(report), 5) }
    }
    return TextTable(
      ["seed", "AUC", "logloss", "best AUC", "best logloss"],
      rows + [["mean"] + cells(\.mean), ["deviation"] + cells(\.deviation)], right: [1, 2, 3, 4]
    ).text
  }
}
