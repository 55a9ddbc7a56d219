import ArgumentParser
import Features
import Foundation
import Job
import Run

struct VocabCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vocab",
    abstract: "Make a vocabulary: the values that are frequent enough to have features of their own.",
    subcommands: [Build.self])

  struct Build: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Count the categories of training data and keep the frequent ones.",
      discussion: """
        Values that occur less than --min-count times share their field's out-of-vocabulary feature, once \
        `deepfm train --vocab FILE` reads with the vocabulary; it becomes part of the run. The file is SQLite:

          sqlite3 vocab.sqlite 'select * from fields'

        Memory stays under --memory, 64 MiB, and 8 MiB a core; what does not fit waits on disk beside the file.
        """)

    @Argument(help: ArgumentHelp("Training data, as text.", valueName: "file"))
    var data: [String]

    @Option(help: ArgumentHelp("Where the vocabulary goes.", valueName: "file"))
    var out: String

    @Option(help: "Values that occur less often are out of vocabulary.")
    var minCount = 10

    @Option(help: ArgumentHelp("Memory for counting.", valueName: "MiB"))
    var memory = 256

    @Flag(help: "Print one JSON line a field instead of a table.")
    var json = false

    @OptionGroup(title: "Data") var options: DataOptions

    func validate() throws {
      guard minCount >= 1 else { throw ValidationError("--min-count: \(minCount) cannot be used: choose 1 or more.") }
      guard 16...1 << 20 ~= memory else {
        throw ValidationError("--memory: \(memory) cannot be used: choose 16 MiB or more.")
      }
    }

    func run() throws {
      try DataFiles.protect(data, from: [out])
      let caller = Caller.person(Console())
      var settings = DataSettings()
      options.override(&settings)
      let scratch = try ScratchDirectory("vocab")
      defer { scratch.remove() }
      let index = try DatasetIndex.build(
        data, schema: settings.readSchema(),
        caller.reading("reading", spool: scratch.path, badRows: settings.badRowPolicy))
      let fields = try VocabularyBuilder(index, minimumCount: minCount, memory: memory << 20).build(to: out) { rows in
        try caller.show("counting", rows, of: index.rows)
      }
      caller.sayWhatWasFound(index)
      if json { return try fields.forEach { print(try JSONLine.encode($0)) } }
      print(
        TextTable(
          ["field", "distinct", "kept", "of occurrences"],
          fields.map {
            [
              $0.name, Format.count(Double($0.distinct)), Format.count(Double($0.kept)),
              Format.fixed(100 * Double($0.keptOccurrences) / Double(max(1, $0.occurrences)), 2) + " %",
            ]
          }, right: [1, 2, 3]
        ).text)
    }
  }
}
