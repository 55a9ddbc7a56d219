import ArgumentParser
import Comparison
import Features
import Foundation
import Run

struct RecommendCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recommend",
    abstract: "Rank all candidates for each of some users by a trained model, and write the best.",
    discussion: """
      A row of the model is a user's columns and an item's, found by their names in two files with headers. The lists are CSV: \
      user, group, rank, item, probability; `deepfm lists` measures them.

        deepfm recommend runs/first --users users.csv --items items.csv --top 20 --out lists.csv

      With --types the users are those of the paper's simulation (IV-D): of each of the commonest types, users whose history has \
      much of it. A type is what stands between bars in a column of the items.

        deepfm recommend runs/first --history train.csv --items items.csv --types genres --top 5,10,20 --out lists.csv
      """)

  @Argument(help: ArgumentHelp("The directory of a training run, or a file that was exported.", valueName: "dir"))
  var model: String

  @OptionGroup var which: CheckpointOption

  @Option(
    parsing: .upToNextOption, help: ArgumentHelp("A row each user. Default: those of --history.", valueName: "file"))
  var users: [String] = []

  @Option(parsing: .upToNextOption, help: ArgumentHelp("The candidates, a row each.", valueName: "file"))
  var items: [String]

  @Option(
    help: ArgumentHelp("How many items a list has; of several numbers the largest.", valueName: "n,n..."),
    transform: { try Tops.parse($0) })
  var top = [20]

  @Option(help: ArgumentHelp("Where to write. The file appears when it is complete.", valueName: "file"))
  var out: String

  @Option(help: ArgumentHelp("The column that names users. Default: the first.", valueName: "column"))
  var user: String?

  @Option(help: ArgumentHelp("The column that names items. Default: the first of --items.", valueName: "column"))
  var item: String?

  @Option(help: ArgumentHelp("The column of users' groups. Default: all are of one group.", valueName: "column"))
  var group: String?

  @Option(
    parsing: .upToNextOption, help: ArgumentHelp("Pairs of users and items that are left out.", valueName: "file"))
  var seen: [String] = []

  @OptionGroup var past: HistoryOptions

  @Option(help: ArgumentHelp("The column of the items' types, with bars between.", valueName: "column"))
  var types: String?

  @Option(help: "How many types there are.")
  var groups = 6

  @Option(help: "Users of a type.")
  var perGroup = 100

  @Option(help: "Threads that compute. Default: one a core.")
  var threads = 0

  func validate() throws {
    guard !users.isEmpty || !past.history.isEmpty else {
      throw ValidationError("Name --users, or a --history with users.")
    }
    guard types == nil || !past.history.isEmpty else { throw ValidationError("--types goes with --history.") }
    guard types == nil || group == nil else { throw ValidationError("--types makes groups: leave --group out.") }
    guard threads >= 0, groups > 0, perGroup > 0 else {
      throw ValidationError("--threads, --groups and --per-group are numbers above 0.")
    }
  }

  func run() throws {
    try DataFiles.protect(users + items + past.history + seen, from: [out])
    let console = Console()
    var table = Recommending.Table(
      users.isEmpty ? past.history : users, name: users.isEmpty ? user ?? "user" : user, group: group)
    table.isHistory = users.isEmpty
    if let types { table.only = try sample(types) }
    let result = try Recommending(
      model: model, checkpoint: which.checkpoint, users: table, items: .init(items, name: item), seen: seen,
      most: top.max() ?? 20, threads: threads, caller: .person(console)
    ).run()
    if !result.missing.isEmpty {
      console.say(
        "note: neither users nor items have the columns \(result.missing.joined(separator: ", ")): missing values in all rows"
      )
    }
    try write(result)
    console.say(
      "\(result.lists.lists.count.grouped) lists of \(result.lists.depth) of \(result.candidates.grouped) items in \(out)"
    )
  }

  /// By user, the type.
  private func sample(_ column: String) throws -> [String: String] {
    let histories = Histories(caller: .person(Console()))
    let types = try histories.types(items, item: item, column: column)
    var chosen: [String: [String]] = [:]
    try histories.forEachChoice(past.history, columns: [user ?? "user", item ?? "item"], label: past.label) {
      chosen[$0[0], default: []].append($0[1])
    }
    let members = UserTypes(history: chosen, types: types).sample(groups, each: perGroup)
    return Dictionary(members.map { ($0.user, $0.type) }) { first, _ in first }
  }

  private func write(_ result: Recommending.Result) throws {
    func quoted(_ text: String) -> String { Predictions.quoted(text) }
    var text = "\(quoted(result.userColumn)),group,rank,\(quoted(result.itemColumn)),probability\n"
    for (list, probabilities) in zip(result.lists.lists, result.probabilities) {
      for (place, item) in list.items.enumerated() {
        text += "\(quoted(list.user)),\(quoted(list.group)),\(place + 1),\(quoted(item)),\(probabilities[place])\n"
      }
    }
    do {
      try text.write(toFile: out, atomically: true, encoding: .utf8)
    } catch {
      throw RunFailure.failed("\(out) cannot be written: \(error.localizedDescription). Is the disk full?")
    }
  }
}

/// `5,10,20`.
enum Tops {
  static func parse(_ text: String) throws -> [Int] {
    let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard !numbers.isEmpty, numbers.allSatisfy({ 1...10_000 ~= $0 }) else {
      throw ValidationError("\"\(text)\" cannot be used: write numbers from 1 to 10000, such as 5,10,20")
    }
    return numbers
  }
}
