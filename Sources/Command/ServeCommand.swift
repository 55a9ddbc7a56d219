import ArgumentParser
import Foundation
import Run
import Service
import Serving

struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Answer HTTP requests for click probabilities.",
    discussion: """
      POST /predict takes rows as JSON, an array of objects from column names to values, or as text/csv, lines as the \
      training data have them, whose labels are not looked at. GET /model, /health and /metrics (Prometheus) tell of it. \
      A newer checkpoint or file takes the place of the one that is served, and no request is lost.

        deepfm serve runs/first --checkpoint best --listen 127.0.0.1:8080
        curl -H 'content-type: text/csv' --data-binary @rows.txt http://127.0.0.1:8080/predict
        curl --json '[{"I1": 3, "C1": "68fd1e64"}]' http://127.0.0.1:8080/predict
      """)

  @Argument(help: ArgumentHelp("The directory of a training run, or a file of `deepfm export`.", valueName: "model"))
  var model: String

  @OptionGroup var which: CheckpointOption

  @Option(help: ArgumentHelp("Where to listen; port 0 takes a free one.", valueName: "host:port"))
  var listen = "127.0.0.1:8080"

  @Option(help: "Threads that score. Default: one a core.")
  var threads = 0

  @Option(help: "Rows of a request at most.")
  var maxRows = ServiceLimits().rows

  @Option(help: "Bytes of a request at most.")
  var maxBytes = ServiceLimits().bytes

  @Option(help: "Seconds that a connection may take to send its next request.")
  var requestTimeout = ServiceLimits().seconds

  @Option(help: "Seconds between looks for a newer model; 0: never.")
  var refresh = 5.0

  private var address: (host: String, port: Int)? {
    guard let colon = listen.lastIndex(of: ":"), let port = Int(listen[listen.index(after: colon)...]),
      0...65535 ~= port, colon > listen.startIndex
    else { return nil }
    return (listen[..<colon].trimmingCharacters(in: ["[", "]"]), port)
  }

  func validate() throws {
    guard address != nil else { throw ValidationError("--listen \(listen): expected HOST:PORT") }
    guard threads >= 0, maxRows > 0, maxBytes > 0, refresh >= 0, requestTimeout > 0, requestTimeout < 1e6 else {
      throw ValidationError(
        "--threads and --refresh are no less than nothing, --max-rows, --max-bytes and --request-timeout more")
    }
  }

  func run() throws {
    let console = Console()
    let caller = Caller.person(console)
    let source = ModelSource(model, which.checkpoint)
    var version = try source.version()
    let first = try source.read(caller)
    let (host, port) = address!
    var limits = ServiceLimits()
    (limits.rows, limits.bytes, limits.seconds) = (maxRows, maxBytes, requestTimeout)
    let service = try PredictionService(
      first, version: Self.name(first, version), host: host, port: port,
      threads: threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount, limits: limits)
    console.say(
      "\(first.configuration.model.rawValue) of \(first.features.grouped) features, \(Self.name(first, version)): "
        + "http://\(host):\(service.port)/predict")
    var looked = Date()
    while !Interruption.isRequested {
      Thread.sleep(forTimeInterval: 0.1)
      guard refresh > 0, Date().timeIntervalSince(looked) >= refresh else { continue }
      looked = Date()
      guard let found = try? source.version(), found != version else { continue }
      do {
        let next = try source.read(Caller(isInterrupted: { Interruption.isRequested }))
        service.serve(next, version: Self.name(next, found))
        console.say("serves \(Self.name(next, found)) from now on")
      } catch {
        service.noteFailedSwap()
        console.say("\(found) cannot be read, and \(version) stays: \(error)")
      }
      // One that cannot be read is not tried again before it changes.
      version = found
    }
    service.end()
    console.say("ended; every request that had come was answered")
  }

  /// What a person calls a model.
  private static func name(_ model: ScoringModel, _ version: String) -> String {
    model.origin["checkpoint"].map { "checkpoint \($0)" } ?? version
  }
}
