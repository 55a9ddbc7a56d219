import Comparison
import Features
import Foundation
import Serving
import Synchronization

/// Ranks all candidates for each of some users by a trained model, in this process (paper, IV-D).
public struct Recommending {
  private let source: ModelSource
  private let users: Table
  private let items: Table
  private let seen: [String]
  private let most: Int
  private let threads: Int
  private let caller: Caller

  /// Rows that are put together with others.
  public struct Table: Sendable {
    var files: [String]
    /// The column that names its rows; nil: its first.
    var name: String?
    /// Users: the column of their groups; nil: all are of one.
    var group: String?
    /// Users: those that count, and their groups; nil: all.
    public var only: [String: String]?

    /// Users: whether the files are rows of users and items, of which each user is meant once.
    public var isHistory = false

    public init(_ files: [String], name: String? = nil, group: String? = nil) {
      (self.files, self.name, self.group) = (files, name, group)
    }
  }

  /// What came of it.
  public struct Result: Sendable {
    public var lists: RecommendationLists
    /// By list, the click probabilities of its items.
    public var probabilities: [[Float]]
    public var candidates: Int
    /// Columns of the model's fields that neither users nor items have: missing values in all rows.
    public var missing: [String]
    public var userColumn: String
    public var itemColumn: String
  }

  /// - Parameters:
  ///   - model: a run's directory, or a file that was exported.
  ///   - users: a row each, with columns of the model's fields.
  ///   - items: the candidates, likewise.
  ///   - seen: files with columns named as those that name users and items: pairs that are left out.
  ///   - most: items of a list.
  ///   - threads: that compute; 0: one a core.
  public init(
    model: String, checkpoint: CheckpointChoice = .last, users: Table, items: Table, seen: [String] = [], most: Int,
    threads: Int = 0, caller: Caller = Caller()
  ) {
    source = ModelSource(model, checkpoint)
    (self.users, self.items, self.seen, self.most, self.caller) = (users, items, seen, most, caller)
    self.threads = threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount
  }

  /// A row: its name, its group, and by the encoding's column its text as a row has it.
  private struct Entry: Sendable {
    var name: String
    var group: String
    var cells: [Int: [UInt8]]
  }

  /// - Throws: as `ModelSource.read`; `DatasetError` for files that cannot be read; `RunFailure` where these do not fit the model.
  public func run() throws -> Result {
    let model = try source.read(caller)
    guard model.encoding.format.isDelimited else {
      throw RunFailure.failed(
        "the model's data are \(model.encoding.format.rawValue), whose fields have no columns. Train it on columns.")
    }
    let scratch = try ScratchDirectory("recommend")
    defer { scratch.remove() }
    let rows = RequestRows(model.encoding, vocabulary: model.vocabulary)
    let (userColumn, users) = try read(self.users, "users", model.encoding, rows, scratch)
    let (itemColumn, items) = try read(self.items, "items", model.encoding, rows, scratch)
    guard let user = users.first, let item = items.first else {
      throw RunFailure.failed("there are no users, or no items.")
    }
    if let both = user.cells.keys.sorted().first(where: { item.cells[$0] != nil }) {
      throw RunFailure.failed(
        "users and items both have the column \(model.encoding.columns[both]). Remove it from one.")
    }
    let fields = Set(model.encoding.fields.map(\.column))
    let missing = fields.filter { user.cells[$0] == nil && item.cells[$0] == nil }.sorted().map {
      model.encoding.columns[$0]
    }
    let seen = try pairs(userColumn, itemColumn, scratch)
    let lists = try rank(users, items, seen, model)
    return Result(
      lists: RecommendationLists(lists.map(\.list)), probabilities: lists.map(\.probabilities), candidates: items.count,
      missing: missing, userColumn: userColumn, itemColumn: itemColumn)
  }

  private func read(
    _ table: Table, _ what: String, _ encoding: Encoding, _ rows: RequestRows, _ scratch: ScratchDirectory
  ) throws -> (name: String, entries: [Entry]) {
    let file = try HeaderedTable(table.files, spool: "\(scratch.path)/\(what)")
    let name = table.name ?? file.columns[0]
    let label = encoding.columns[encoding.labelColumn]
    // Of what is both, users and items, as in a history, only what names them is theirs.
    let columns = (table.isHistory ? [name] : file.columns).filter { $0 != label && encoding.columns.contains($0) }
    let places = columns.map { encoding.columns.firstIndex(of: $0)! }
    var entries: [Entry] = []
    var known: Set<String> = []
    try file.forEachRow([name] + (table.group.map { [$0] } ?? []) + columns) { texts in
      guard table.only.map({ $0[texts[0]] != nil }) ?? true, known.insert(texts[0]).inserted else { return }
      let first = table.group == nil ? 1 : 2
      var cells: [Int: [UInt8]] = [:]
      for (number, place) in places.enumerated() {
        cells[place] = try rows.cell(texts[first + number], of: columns[number])
      }
      let group = table.only?[texts[0]] ?? (table.group == nil ? "" : texts[1])
      entries.append(Entry(name: texts[0], group: group, cells: cells))
    }
    return (name, entries)
  }

  /// By user, the items that are left out.
  private func pairs(_ user: String, _ item: String, _ scratch: ScratchDirectory) throws -> [String: Set<String>] {
    guard !seen.isEmpty else { return [:] }
    var pairs: [String: Set<String>] = [:]
    try HeaderedTable(seen, spool: "\(scratch.path)/seen").forEachRow([user, item]) {
      pairs[$0[0], default: []].insert($0[1])
    }
    return pairs
  }

  private typealias Ranked = (list: RecommendationLists.List, probabilities: [Float])

  private func rank(
    _ users: [Entry], _ items: [Entry], _ seen: [String: Set<String>], _ model: ScoringModel
  ) throws -> [Ranked] {
    struct State {
      var next = 0
      var done: [Int: Ranked] = [:]
      var error: (any Error)?
    }
    let state = Mutex(State())
    let most = most
    let workers = (0..<threads).map { number in
      NamedThread("rank-\(number)") {
        let scorer = RequestScorer(model)
        while true {
          let user = state.withLock { state -> Int? in
            guard state.error == nil, state.next < users.count else { return nil }
            state.next += 1
            return state.next - 1
          }
          guard let user else { return }
          do {
            let ranked = try Self.rank(users[user], items, seen[users[user].name] ?? [], most, model.encoding, scorer)
            state.withLock { $0.done[user] = ranked }
          } catch {
            state.withLock { $0.error = $0.error ?? error }
          }
        }
      }
    }
    while state.withLock({ $0.error == nil && $0.done.count < users.count }) {
      do {
        try caller.show("ranking", state.withLock { $0.done.count }, of: users.count)
      } catch {
        state.withLock { $0.error = error }
      }
      Thread.sleep(forTimeInterval: 0.02)
    }
    for worker in workers { worker.join() }
    return try state.withLock { state in
      if let error = state.error { throw error }
      return users.indices.map { state.done[$0]! }
    }
  }

  /// Items that are scored at a time.
  private static let block = 4096

  private static func rank(
    _ user: Entry, _ items: [Entry], _ seen: Set<String>, _ most: Int, _ encoding: Encoding, _ scorer: RequestScorer
  ) throws -> Ranked {
    var best: [(probability: Float, item: Int)] = []
    let missing = Array((encoding.missingTexts.first ?? "").utf8)
    let candidates = items.indices.filter { !seen.contains(items[$0].name) }
    for start in stride(from: 0, to: candidates.count, by: block) {
      let part = candidates[start..<min(candidates.count, start + block)]
      var text: [UInt8] = []
      for item in part {
        for column in encoding.columns.indices {
          if column > 0 { text.append(encoding.separator) }
          text += user.cells[column] ?? items[item].cells[column] ?? missing
        }
        text.append(10)
      }
      let scores = try text.withUnsafeBytes { try scorer.score(texts: $0, most: block) }
      best += zip(scores, part).map { ($0, $1) }
      // The earlier of two items that are as likely.
      best.sort { ($0.probability, $1.item) > ($1.probability, $0.item) }
      if best.count > most { best.removeLast(best.count - most) }
    }
    return (
      .init(user: user.name, group: user.group, items: best.map { items[$0.item].name }), best.map(\.probability)
    )
  }
}
