import ArgumentParser
import Features
import Foundation
import Run

struct SynthesizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "synthesize",
    abstract: "Write click data in Criteo's layout whose true probabilities are known.",
    discussion: """
      The planted truth has effects of order 1 (a weight per category), 2 and 3 (products of \
      two and three), so that LR < FM < DeepFM is there to be learnt. Its AUC and logloss, which \
      no model can be expected to beat, are printed and written beside the data as FILE.truth.json. Files with another --seed share the truth.
      """)

  @Option(help: "Rows to write.")
  var rows: Int

  @Option(help: ArgumentHelp("Where to write. The file appears when it is complete.", valueName: "file"))
  var out: String

  @Option(help: "Seed of the rows.")
  var seed: UInt64 = 1

  @Option(help: "Seed of the truth.")
  var truthSeed: UInt64 = 20_140_624

  @Option(help: "Most categories of a field.")
  var maximumCardinality = 200_000

  @Option(help: ArgumentHelp("Orders of the effects, such as 1,2,3.", valueName: "n,n,..."))
  var orders = LayerWidths(argument: "1,2,3")!

  func validate() throws {
    guard rows > 0 else { throw ValidationError("--rows: \(rows) cannot be used: write at least 1 row.") }
    guard maximumCardinality > 1 else { throw ValidationError("--maximum-cardinality: choose at least 2.") }
    guard !orders.widths.isEmpty, orders.widths.allSatisfy({ (1...3).contains($0) }) else {
      throw ValidationError("--orders: choose from 1, 2 and 3, such as 1,2.")
    }
  }

  func run() throws {
    let console = Console()
    let synthesizer = Synthesizer(
      truthSeed: truthSeed, seed: seed, maximumCardinality: maximumCardinality, orders: Set(orders.widths))
    let drawn = try synthesizer.write(rows: rows, to: out) { written in
      console.show("writing \(out)", share: Double(written) / Double(rows))
    }
    let truth = Truth(drawn)
    let json = try JSONLine.encode(truth)
    try (json + "\n").write(toFile: out + ".truth.json", atomically: true, encoding: .utf8)
    console.say("\(Format.count(Double(rows))) rows in \(out)")
    print(json)
  }
}
