import ArgumentParser
import Foundation
import Job
import Run

struct ChaosCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chaos",
    abstract: "Train undisturbed, then again while processes are killed, and compare the bits.",
    discussion: """
      All flags of `train` count. Servers, workers and the coordinator are children of this process, which starts them \
      again when they are dead. --how stop suspends a process, cut lets none of its messages through, for up to twice \
      --timeout, which is 3 s here. Ends with status 1 if the two runs come to different parameters.

      With --consistency async there are no bits to compare: the run must end well.

        deepfm chaos --train a.txt --hidden 64,64 --kills 10 --seed 7 --roles worker,server,coordinator --how kill,stop
      """)

  @Option(help: "Faults of any kind.")
  var kills = 10

  @Option(
    help: ArgumentHelp("Whom they strike: worker, server, coordinator.", valueName: "role,..."),
    transform: ChoiceList<ChaosOptions.Role>.init)
  var roles = ChoiceList(ChaosOptions.Role.allCases)

  @Option(
    help: ArgumentHelp("How: kill, stop, cut.", valueName: "how,..."), transform: ChoiceList<ChaosOptions.How>.init)
  var how = ChoiceList([ChaosOptions.How.kill])

  @Option(help: "Seed of the faults. Default: that of the training.")
  var faultSeed: UInt64?

  @Option(help: ArgumentHelp("What the undisturbed run came to, if that is known.", valueName: "hex"))
  var digest: String?

  @OptionGroup var job: JobOptions

  @Flag(help: "Print one JSON line with all that was done instead of a table.")
  var json = false

  private func options(_ settings: Settings) -> ChaosOptions {
    ChaosOptions(
      kills: kills, seed: faultSeed ?? settings.optimization.seed, roles: roles.choices, how: how.choices)
  }

  func validate() throws {
    guard 0...100_000 ~= kills else { throw ValidationError("--kills: \(kills) cannot be used: choose 0 to 100000.") }
  }

  func run() throws {
    var settings = try job.settings()
    if job.cluster.timeout == nil, job.config == nil { settings.cluster.timeout = 3 }
    let directory = settings.runDirectory ?? "runs/chaos-\(ProcessInfo.processInfo.processIdentifier)"
    settings.runDirectory = nil
    let report = try Chaos(
      settings, options(settings),
      undisturbedDigest: digest, directory: directory,
      tool: URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path, caller: .person(Console())
    ).run()
    print(try json ? JSONLine.encode(report) : report.table)
    if report.events.count < kills {
      Console.error(
        "the run was over after \(report.events.count) of \(kills) faults: train for longer, or on more data.")
    }
    guard report.isSame else {
      throw RunFailure.failed(
        "the disturbed run came to other parameters than the undisturbed one. Both are in \(report.directory).")
    }
  }
}

/// `worker,server`.
struct ChoiceList<Value: Choice> {
  var choices: [Value]

  init(_ choices: [Value]) { self.choices = choices }

  init(_ text: String) throws {
    choices = try text.split(separator: ",").map { try named(String($0)) }
    if choices.isEmpty { throw ValidationError("name at least one of \(names(Value.self)).") }
  }
}

extension ChaosReport {
  var table: String {
    let rows = events.map { event in
      [
        Format.fixed(event.time, 1), "\(event.epoch)", "\(event.step)", event.name,
        event.how.rawValue + (event.duration.map { " \(Format.fixed($0, 1)) s" } ?? ""),
        event.recovered.map { Format.fixed($0, 1) } ?? "-", event.stepsAgain.map(String.init) ?? "-",
      ]
    }
    let comparison =
      undisturbedDigest.map {
        "undisturbed \($0)\ndisturbed   \(parameterDigest): \(isSame ? "the same bits" : "OTHER BITS")"
      } ?? "the run ended well; no two async runs have the same bits"
    return [
      TextTable(["s", "epoch", "step", "who", "what", "went on after s", "steps again"], rows, right: [0, 1, 2, 5, 6])
        .text, "",
      "\(events.count) faults in \(Format.fixed(seconds, 1)) s", comparison, "logs in \(directory)",
    ].joined(separator: "\n")
  }
}
