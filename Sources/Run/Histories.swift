import Comparison
import Features
import Foundation

/// What users have chosen, and what an A/B test has shown, read from files with headers.
public struct Histories {
  private let caller: Caller

  public init(caller: Caller = Caller()) { self.caller = caller }

  /// Whether a text says no: where there is a label, such rows are no choices.
  private static func isNo(_ text: String) -> Bool {
    ["", "0", "-1", "false", "no", "f", "n", "0.0"].contains(text.trimmingCharacters(in: .whitespaces).lowercased())
  }

  private func table(_ files: [String], _ body: (HeaderedTable) throws -> Void) throws {
    let scratch = try ScratchDirectory("history")
    defer { scratch.remove() }
    try body(HeaderedTable(files, spool: scratch.path))
  }

  /// Calls `body` with the users and items of a log's rows that are choices.
  ///
  /// - Parameter label: says which rows are; one that the files lack says so of all.
  /// - Throws: `DatasetError`; what the caller throws who wants it to end.
  public func forEachChoice(
    _ files: [String], user: String, item: String, label: String, _ body: (_ user: String, _ item: String) -> Void
  ) throws {
    try table(files) { table in
      let hasLabel = table.columns.contains(label)
      var rows = 0
      try table.forEachRow([user, item] + (hasLabel ? [label] : [])) { texts in
        rows += 1
        if rows % (1 << 16) == 0 { try caller.check() }
        if !hasLabel || !Self.isNo(texts[2]) { body(texts[0], texts[1]) }
      }
    }
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
    public var click: String
    public var time: String
    public var user: String?
    public var format: TimeFormat?

    public init(group: String, click: String, time: String, user: String?, format: TimeFormat?) {
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
      try table.forEachRow([columns.group, columns.click, columns.time] + (columns.user.map { [$0] } ?? [])) { texts in
        row += 1
        guard let instant = format?.instant(of: texts[2]) else {
          throw failure(row, "expected a time, found \"\(texts[2])\"")
        }
        log.add(
          group: texts[0], day: instant.day, isClick: !Self.isNo(texts[1]), user: columns.user == nil ? nil : texts[3])
      }
    }
    return log
  }
}
