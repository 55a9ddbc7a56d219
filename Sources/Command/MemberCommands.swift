import ArgumentParser
import Job
import Run

struct DrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drain",
    abstract: "Let a server or worker leave a run that is under way.",
    discussion: """
      A worker leaves between two steps, a server once its slots have moved to others; the run comes to the same bits. \
      Returns when the process has been told to end.

        deepfm drain worker-1 --coordinator tcp://10.0.0.1:7000
        deepfm drain server-0 --run-dir runs/first
      """)

  @Argument(help: ArgumentHelp("Such as worker-1; `deepfm status` lists them.", valueName: "name"))
  var member: String

  @OptionGroup var place: CoordinatorOptions

  func run() throws {
    let console = Console()
    try place.call(.person(console)).drain(member)
    console.say("\(member) has left the run")
  }
}

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Say who takes part in a run that is under way, and what they do.")

  @OptionGroup var place: CoordinatorOptions

  func run() throws {
    for line in try place.call(.person(Console())).status() { print(line) }
  }
}

struct RebalanceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rebalance",
    abstract: "Move slots in a run that is under way, so that load is even over servers.",
    discussion: """
      Slots move in the background while training goes on; the run comes to the same bits. What is even is what each \
      server bears in proportion to its --weight. Returns when the slots have moved, and says what each server bears.

        deepfm rebalance --run-dir runs/first --dry-run
        deepfm rebalance --coordinator tcp://10.0.0.1:7000 --by memory
      """)

  @Option(
    help: ArgumentHelp(
      "What is to be even: traffic, the bytes that workers ask for and push; or memory, the bytes that servers hold.",
      valueName: "load"))
  var by = Rebalance.Load.traffic

  @Flag(help: "Only say what would move.")
  var dryRun = false

  @OptionGroup var place: CoordinatorOptions

  func run() throws {
    let lines = try place.call(.person(Console())).rebalance(by: by, isDry: dryRun)
    for line in lines { print(line) }
  }
}

extension Rebalance.Load: ExpressibleByArgument {}

/// Whose run is meant.
struct CoordinatorOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Where the coordinator listens.", valueName: "endpoint"))
  var coordinator: String?

  @Option(help: ArgumentHelp("The run's directory, which says where its coordinator listens.", valueName: "dir"))
  var runDir: String?

  @Option(help: "Seconds without an answer after which nobody is there.")
  var timeout = 10.0

  func validate() throws {
    guard (coordinator == nil) != (runDir == nil) else {
      throw ValidationError("name the run with either --coordinator ENDPOINT or --run-dir DIR.")
    }
    guard 0.1...86_400 ~= timeout else {
      throw ValidationError("--timeout: \(timeout) cannot be used: choose 0.1 to 86400 seconds.")
    }
  }

  func call(_ caller: Caller) throws -> CoordinatorCall {
    let endpoint = try coordinator ?? RunDirectory.open(runDir ?? "").coordinatorEndpoint()
    return try CoordinatorCall(endpoint, patience: timeout, caller: caller)
  }
}
