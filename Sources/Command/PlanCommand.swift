import ArgumentParser
import Job
import Run

struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Estimate servers, memory and traffic of a job before it is launched.",
    discussion: """
      Counts the features of the training data, or of a part of them, and says what tables, servers and links will \
      bear. With --server-memory it says how many servers it takes.

        deepfm plan --train day_1.txt --rows 4000000000 --server-memory 64g --rate 500000
        deepfm plan --schema avazu --keys 9000000 --servers 4 --replicas 1
      """)

  @OptionGroup var job: JobOptions

  @Option(help: ArgumentHelp("Rows of all the data, where --train names a part of them.", valueName: "n"))
  var rows: Int?

  @Option(help: ArgumentHelp("Distinct features, where no data are at hand.", valueName: "n"))
  var keys: Int?

  @Option(help: ArgumentHelp("Samples a second of all workers together, for the traffic.", valueName: "n"))
  var rate = 100_000.0

  @Flag(help: "Print one JSON line instead of a table.")
  var json = false

  func validate() throws {
    for (flag, value) in [("rows", rows), ("keys", keys)] {
      guard 1...1_000_000_000_000_000 ~= value ?? 1 else {
        throw ValidationError("--\(flag): \(value!) cannot be used: choose 1 to 1000000000000000.")
      }
    }
    guard 1...1e12 ~= rate else { throw ValidationError("--rate: \(rate) cannot be used: choose 1 to 1e12.") }
  }

  func run() throws {
    let estimate = try Estimate.make(
      job.settings(), keys: keys, rows: rows, samplesPerSecond: rate, caller: .person(Console()))
    print(json ? try JSONLine.encode(estimate) : Self.text(estimate))
  }

  static func text(_ estimate: Estimate) -> String {
    func size(_ bytes: Double) -> String { "\(ByteCount(bytes: Int(bytes)))" }
    func size(_ bytes: Int) -> String { size(Double(bytes)) }
    func rate(_ perStep: Int) -> String {
      size(Double(perStep) * estimate.samplesPerSecond / Double(estimate.batch)) + "/s"
    }
    let tables = TextTable(
      ["table", "rows", "bytes a row", "memory"],
      estimate.tables.map {
        [$0.name, Format.count(Double($0.rows)), "\($0.rowBytes)", size($0.bytes)]
      }, right: [1, 2, 3])
    var traffic = [
      ["keys and rows pulled", size(estimate.pulledBytes), rate(estimate.pulledBytes)],
      ["gradients pushed", size(estimate.pushedBytes), rate(estimate.pushedBytes)],
    ]
    if estimate.replicas > 0 {
      traffic.append(["gradients to replicas", size(estimate.replicatedBytes), rate(estimate.replicatedBytes)])
    }
    let perServer = estimate.bytesPerSecond / Double(estimate.servers)
    traffic.append(["of each server", "", size(perServer) + "/s"])
    let links = TextTable(
      ["traffic", "a step", "at \(Format.count(estimate.samplesPerSecond)) samples/s"], traffic, right: [1, 2])
    return """
      \(estimate.model), \(estimate.fields) fields, batches of \(Format.count(Double(estimate.batch)))

      \(tables.text)

      each of \(estimate.servers) servers holds \(size(estimate.serverBytes)), \(size(estimate.undoBytes)) of it to undo steps\
      \(estimate.replicas > 0 ? ", replicas included" : "")
      a whole checkpoint has \(size(estimate.checkpointBytes))

      \(links.text)

      taken to be so:
      \(estimate.assumptions.map { "- \($0)" }.joined(separator: "\n"))
      """
  }
}
