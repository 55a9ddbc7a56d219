import Comparison
import Features
import Foundation

/// What users have chosen, and what an A/B test has shown, read from files with headers.
public struct Histories {
  private let caller: Caller

  public init(caller: Caller = Caller()) { self.caller = caller }

  private func table(_ files: [String], _ body: (HeaderedTable) throws -> Void) throws {
    let scratch = try ScratchDirectory("history")
    defer { scratch.remove() }
    try body(HeaderedTable(files, spool: scratch.path))
  }

  /// Calls `body` with the texts of some columns of a log's rows that are choices.
  ///
  /// - Parameter label: says which rows are; nil: the column `label`, or where there is none all.
  /// - Throws: `DatasetError`; `RunFailure` for a row of which nobody can say whether it is one.
  public func forEachChoice(
    _ files: [String], columns: [String], label: LabelRule?, _ body: ([String]) -> Void
  ) throws {
    try table(files) { table in
      let usual = LabelRule(column: "label")
      let rule = label ?? (table.columns.contains(usual.column) ? usual : nil)
      var row = 0
      try table.forEachRow(columns + (rule.map { [$0.column] } ?? [])) { texts in
        row += 1
        if row % (1 << 16) == 0 { try caller.check() }
        if try rule.map({ try Self.isClick(texts[columns.count], $0, files, row) }) ?? true { body(texts) }
      }
    }
  }

  private static func isClick(_ text: String, _ rule: LabelRule, _ files: [String], _ row: Int) throws -> Bool {
    guard let isClick = rule.isClick(text) else {
      throw RunFailure.failed(
        "\(files.joined(separator: ", ")): row \(row): \(rule.column): \(rule.failure("\"\(text)\"")).")
    }
    return isClick
  }

  /// By item, the parts of a column's text between bars.
  public func types(_ files: [String], item: String?, column: String) throws -> [String: [String]] {
    var types: [String: [String]] = [:]
    try table(files) { table in
      try table.forEachRow([item ?? table.columns[0], column]) {
        types[$0[0]] = $0[1].split(separator: "|").map(String.init)
      }
    }
    return types
  }

  /// Rows of a table that are named once.
  public func count(_ files: [String], name: String?) throws -> Int {
    var names: Set<String> = []
    try table(files) { table in try table.forEachRow([name ?? table.columns[0]]) { names.insert($0[0]) } }
    return names.count
  }

  /// Lists as `deepfm recommend` writes them.
  public func lists(_ file: String) throws -> RecommendationLists {
    var lists: [RecommendationLists.List] = []
    try table([file]) { table in
      guard table.columns.count == 5, table.columns[1] == "group", table.columns[2] == "rank" else {
        throw RunFailure.failed(
          "\(file): is no lists of `deepfm recommend`: its columns are \(table.columns.joined(separator: ", ")).")
      }
      try table.forEachRow(table.columns) { texts in
        if lists.last?.user != texts[0] || texts[2] == "1" {
          lists.append(.init(user: texts[0], group: texts[1], items: []))
        }
        lists[lists.count - 1].items.append(texts[3])
      }
    }
    guard !lists.isEmpty else { throw DatasetError.empty(file: file) }
    return RecommendationLists(lists)
  }

  /// The columns of a log of impressions.
  public struct ExposureColumns {
    public var group: String
    public var click: LabelRule
    public var time: String
    public var user: String?
    public var format: TimeFormat?

    public init(group: String, click: LabelRule, time: String, user: String?, format: TimeFormat?) {
      (self.group, self.click, self.time, self.user, self.format) = (group, click, time, user, format)
    }
  }

  /// - Throws: `DatasetError`; `RunFailure` for times that are none.
  public func exposures(_ files: [String], _ columns: ExposureColumns) throws -> ExposureLog {
    var log = ExposureLog()
    try table(files) { table in
      func failure(_ row: Int, _ reason: String) -> RunFailure {
        .failed("\(files.joined(separator: ", ")): row \(row): \(columns.time): \(reason). Say how with --time-format.")
      }
      var row = 0
      var format: TimeFormat?
      do {
        var inference = TimeInference(columns.format)
        try table.forEachRow([columns.time]) { texts in
          row += 1
          inference.add(texts[0])
          if let found = inference.failure { throw failure(row, found.reason) }
        }
        do throws(TimeFailure) { format = try inference.format() } catch { throw failure(1, error.reason) }
      }
      row = 0
      try table.forEachRow([columns.group, columns.click.column, columns.time] + (columns.user.map { [$0] } ?? [])) {
        texts in
        row += 1
        guard let instant = format?.instant(of: texts[2]) else {
          throw failure(row, "expected a time, found \"\(texts[2])\"")
        }
        log.add(
          group: texts[0], day: instant.day, isClick: try Self.isClick(texts[1], columns.click, files, row),
          user: columns.user == nil ? nil : texts[3])
      }
    }
    return log
  }
}
