import ArgumentParser
import Job
import Logging
import ParamServer
import Worker

/// What servers and workers are told on the command line; all else comes from the coordinator.
struct RoleOptions: ParsableArguments {
  @Option(help: ArgumentHelp("A YAML file; its `timeout` and `coordinator-timeout` count here.", valueName: "file"))
  var config: String?

  @Option(help: ArgumentHelp("Where the coordinator listens.", valueName: "endpoint"))
  var coordinator = "tcp://127.0.0.1:7000"

  @Option(
    help: .init("Seconds of silence after which the coordinator is looked for anew.", default: \.cluster.timeout))
  var timeout: Double?

  @Option(
    help: .init(
      "Seconds of the coordinator's silence after which this process gives up: until then it may be started anew.",
      default: \.cluster.coordinatorTimeout))
  var coordinatorTimeout: Double?

  @Flag(help: .hidden)
  var lifeline = false

  /// How patient the process is.
  ///
  /// - Parameter threads: a worker's, to be checked with the rest.
  /// - Throws: `ConfigurationError` for numbers that no run can have.
  func patience(threads: Int? = nil) throws -> (timeout: Duration, coordinatorTimeout: Duration) {
    var cluster = try config.map { try ConfigurationFile.read($0).cluster } ?? ClusterSettings()
    if let timeout { cluster.timeout = timeout }
    if let coordinatorTimeout { cluster.coordinatorTimeout = coordinatorTimeout }
    if let threads { cluster.threads = threads }
    try cluster.validate()
    if lifeline {
      Lifeline.hold()
      Interruption.leaveToLauncher()
    }
    return (.seconds(cluster.timeout), .seconds(cluster.coordinatorTimeout))
  }
}

struct ServerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "server", abstract: "Be a parameter server: hold a share of the tables.")

  @OptionGroup var options: RoleOptions

  @Option(help: ArgumentHelp("Where workers find this server; port * takes a free one.", valueName: "endpoint"))
  var listen = "tcp://127.0.0.1:*"

  @Option(
    help: ArgumentHelp(
      "Where workers are told to find it, if that is elsewhere: behind a proxy, or on a host of several addresses.",
      valueName: "endpoint"))
  var advertise: String?

  @Option(
    help:
      "How much this server takes in proportion to others, 0.1 to 10: with 2, twice the slots of one with 1.")
  var weight = 1.0

  func validate() throws {
    guard Server.weights.contains(weight) else {
      throw ValidationError("--weight: \(weight) cannot be used: choose 0.1 to 10.")
    }
  }

  func run() throws {
    let patience = try options.patience()
    try Server(
      coordinator: options.coordinator, listen: listen, advertise: advertise, weight: weight, timeout: patience.timeout,
      coordinatorTimeout: patience.coordinatorTimeout, logger: .role("server")
    ).run()
  }
}

struct WorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker", abstract: "Be a worker: read data, compute gradients.")

  @OptionGroup var options: RoleOptions

  @Option(help: "Compute threads. Default: what the coordinator says, or this machine's cores.")
  var threads: Int?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "With --data local: the data this worker can read; files, directories or patterns. Which of them are for training and which for validation the coordinator's train and valid say, by name.",
      valueName: "file"))
  var files: [String] = []

  func run() throws {
    let patience = try options.patience(threads: threads)
    try Worker(
      coordinator: options.coordinator, threads: threads, files: files, timeout: patience.timeout,
      coordinatorTimeout: patience.coordinatorTimeout, logger: .role("worker")
    ).run()
  }
}

extension Logger {
  /// To standard error, where the launcher or a service manager collects it.
  fileprivate static func role(_ name: String) -> Logger {
    Logger(label: name) { StreamLogHandler.standardError(label: $0) }
  }
}
