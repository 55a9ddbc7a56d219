import ArgumentParser
import Features
import Foundation
import Job
import Run

struct SplitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "split",
    abstract: "Split data into parts, say for training and testing.",
    discussion: """
      Rows stay as they are, line ends aside; a header goes to every part. The same data, rule and seed give the same \
      parts. Memory stays under 48 MiB and 8 MiB a core, whatever the data's size.

        deepfm split clicks.txt --random 9:1 --seed 1 --out train.txt test.txt
        deepfm split day_*.txt.gz --sequential 6:1 --out train.txt test.txt
        deepfm split clicks.csv --schema csv --random 8:1:1 --by user
        deepfm split ratings.csv --schema movielens --time 9:1
      """)

  @Argument(help: ArgumentHelp("Text data; files, directories, patterns, or - for standard input.", valueName: "file"))
  var data: [String]

  @Option(help: ArgumentHelp("Each row by a draw of its own.", valueName: "ratio"))
  var random: Ratio?

  @Option(help: ArgumentHelp("In the order of the data.", valueName: "ratio"))
  var sequential: Ratio?

  @Option(help: ArgumentHelp("The earliest first, by the schema's timestamp column.", valueName: "ratio"))
  var time: Ratio?

  @Option(
    help: ArgumentHelp("With --random: rows with the same value in this column stay together.", valueName: "column"))
  var by: String?

  @Option(help: "With --random: another seed, another split.")
  var seed: UInt64 = 1

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "A file for each part, in the ratio's order. Default: train and test, or train, valid and test, with the data's extension, where there are none yet.",
      valueName: "file"))
  var out: [String] = []

  @Flag(help: "Print one JSON line a part instead of a table.")
  var json = false

  @OptionGroup(title: "Data") var options: DataOptions

  func validate() throws {
    let ratios = [random, sequential, time].compactMap { $0 }
    guard ratios.count == 1 else { throw ValidationError("Choose one of --random, --sequential and --time.") }
    guard by == nil || random != nil else { throw ValidationError("--by goes with --random.") }
    guard out.isEmpty || out.count == ratios[0].parts.count else {
      throw ValidationError("--out: \(ratios[0].parts.count) parts need as many files, not \(out.count).")
    }
    guard Set(out).count == out.count else { throw ValidationError("--out: each part needs a file of its own.") }
  }

  func run() throws {
    let ratio = (random ?? sequential ?? time)?.parts ?? []
    let out = try out.isEmpty ? names(parts: ratio.count) : out
    try DataFiles.protect(data, from: out)
    let caller = Caller.person(Console())
    var settings = DataSettings()
    options.override(&settings)
    let schema = try settings.readSchema()
    let scratch = try ScratchDirectory("split")
    defer { scratch.remove() }
    let index = try DatasetIndex.build(
      data, schema: schema, caller.reading("reading", spool: scratch.path, badRows: settings.badRowPolicy))
    let rule: SplitRule
    if sequential != nil {
      rule = .sequential
    } else if time != nil {
      guard let timestamp = schema.timestamp else {
        throw ValidationError("--time: the schema names no timestamp column; choose another, or add one.")
      }
      rule = .byTime(timestamp.column, format: timestamp.format)
    } else {
      rule = by.map { .byColumn($0, seed: seed) } ?? .random(seed: seed)
    }
    let parts = try Splitter(index, rule: rule, ratio: ratio) { rows, total in
      try caller.show("splitting", rows, of: total)
    }.write(to: out)
    caller.sayWhatWasFound(index)
    if json { return try parts.forEach { print(try JSONLine.encode($0)) } }
    print(
      TextTable(
        ["part", "rows", "share", "clicks"],
        parts.map {
          [
            $0.path, Format.count(Double($0.rows)), Format.fixed(100 * Double($0.rows) / Double(index.rows), 2) + " %",
            Format.fixed(100 * $0.positiveShare, 2) + " %",
          ]
        }, right: [1, 2, 3]
      ).text)
  }
}

extension SplitCommand {
  /// Files in this directory, none of which is there yet.
  private func names(parts: Int) throws -> [String] {
    let names = [2: ["train", "test"], 3: ["train", "valid", "test"]][parts] ?? (1...parts).map { "part-\($0)" }
    var name = data.first ?? ""
    for suffix in [".gz", ".zst", ".xz", ".bz2", ".lz4", ".tar", ".zip", ".7z"] where name.hasSuffix(suffix) {
      name.removeLast(suffix.count)
    }
    var ending = (name as NSString).pathExtension
    if ending == "parquet" { ending = "csv" }
    let files = names.map { ending.isEmpty || ending.contains("/") ? $0 + ".txt" : "\($0).\(ending)" }
    if let taken = files.first(where: FileManager.default.fileExists(atPath:)) {
      throw ValidationError("\(taken) exists. Name the parts with --out, or remove it.")
    }
    return files
  }
}

/// `9:1`, `8:1:1`.
struct Ratio: ExpressibleByArgument {
  var parts: [Int]

  init?(argument: String) {
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count > 1, parts.allSatisfy({ ($0 ?? 0) > 0 && ($0 ?? 0) <= 1 << 20 }) else { return nil }
    self.parts = parts.compactMap { $0 }
  }
}
