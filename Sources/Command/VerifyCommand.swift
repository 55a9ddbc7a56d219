import ArgumentParser
import Run

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check that a run's checkpoints are what was written.",
    discussion: """
      Reads every file of the checkpoints that are kept, and holds it against the catalogue's manifest: a file that is \
      missing, older, newer, of another server or run, shortened, or with a flipped bit is named. Exits with 1 where a \
      checkpoint is not whole.
      """)

  @Argument(help: ArgumentHelp("The directory of a training run.", valueName: "dir"))
  var runDir: String

  @Flag(help: "Print one JSON line instead of a table.")
  var json = false

  func run() throws {
    let verification = try Verification.run(runDir, caller: .person(Console()))
    let report = VerificationReport(verification)
    print(try json ? JSONLine.encode(report) : report.table)
    guard verification.isWhole else { throw ExitCode(1) }
  }
}

/// What a look at a run's checkpoints came to.
struct VerificationReport: Encodable {
  let checkpoints: [Line]

  struct Line: Encodable {
    let checkpoint: Int
    let stage: Int
    let epoch: Int
    let step: UInt64
    /// Numbers of the checkpoints that it is read from.
    let chain: [Int]
    let files: Int
    let rows: Int
    let bytes: Int
    let problem: String?
  }

  init(_ verification: Verification) {
    checkpoints = verification.findings.map {
      Line(
        checkpoint: $0.checkpoint.number, stage: $0.checkpoint.stage, epoch: $0.checkpoint.epoch,
        step: $0.checkpoint.step, chain: $0.chain, files: $0.files, rows: $0.rows, bytes: $0.bytes,
        problem: $0.problem)
    }
  }

  var table: String {
    guard !checkpoints.isEmpty else { return "There is no checkpoint yet." }
    let rows = checkpoints.map { line in
      [
        "\(line.checkpoint)", "\(line.epoch)", "\(line.step)", line.chain.map(String.init).joined(separator: " "),
        "\(line.files)", line.rows.grouped, line.bytes.grouped, line.problem == nil ? "whole" : "not whole",
      ]
    }
    let titles = ["checkpoint", "epoch", "step", "read from", "files", "rows", "bytes", ""]
    return ([TextTable(titles, rows, right: [0, 1, 2, 4, 5, 6]).text] + checkpoints.compactMap(\.problem))
      .joined(separator: "\n\n")
  }
}
