import Coordinator
import Foundation
import Job
import Synchronization

/// Servers and workers as child processes on this machine, named `server-0`, `worker-0` and so on. They are launched
/// when a run begins, started again when they die, and gone when it ends; one cluster serves one run after another.
public final class LocalCluster: Sendable {
  /// Deaths of one child in a row after which its run ends, unless it is said otherwise.
  public static let mostRestarts = 5

  /// A child, or the next to be of its name.
  private struct Seat {
    let name: String
    let arguments: [String]
    let log: String
    var child: ChildProcess?
    var restarts: Restarts
    /// When the next is started, where there is none.
    var due: ContinuousClock.Instant?
  }

  private let seats = Mutex<[Seat]>([])
  private let tool: String?
  private let mostRestarts: Int

  /// - Parameters:
  ///   - tool: the `deepfm` program; nil: what `DeepFMTool.find` finds.
  ///   - mostRestarts: how often in a row a child is started again that dies within a minute.
  public init(tool: String? = nil, mostRestarts: Int = LocalCluster.mostRestarts) {
    self.tool = tool
    self.mostRestarts = mostRestarts
  }

  deinit { kill() }

  /// The process that plays a member at present.
  ///
  /// - Parameter name: such as `worker-0`.
  /// - Returns: nil before it was launched, while it is dead, and after the run.
  public func processIdentifier(of name: String) -> Int32? {
    seats.withLock { seats in
      seats.first { $0.name == name }?.child.flatMap { $0.isRunning ? $0.processIdentifier : nil }
    }
  }

  /// - Parameters:
  ///   - files: by worker, the data that only it reads; empty where all read all.
  ///   - wiring: where members find the coordinator and each other.
  ///   - logs: a directory for what the children write.
  /// - Throws: `RunFailure` or `ToolError` where a process cannot be started; those that were are ended with `end`.
  func launch(_ settings: ClusterSettings, files: [[String]], wiring: Wiring, logs: String) throws {
    let cores = ProcessInfo.processInfo.activeProcessorCount
    let threads = settings.threads > 0 ? settings.threads : max(1, cores / settings.workers)
    let patience = ["--timeout", "\(settings.timeout)", "--coordinator-timeout", "\(settings.coordinatorTimeout)"]
    func launch(_ name: String, _ arguments: [String]) throws {
      var seat = Seat(
        name: name, arguments: arguments + ["--coordinator", wiring.coordinator(name)] + patience,
        log: "\(logs)/\(name).log", restarts: Restarts(most: mostRestarts))
      seat.child = try start(seat)
      seats.withLock { $0.append(seat) }
    }
    do {
      for number in 0..<settings.servers { try launch("server-\(number)", ["server"] + wiring.server(number)) }
      for number in 0..<settings.workers {
        let own = files.isEmpty ? [] : ["--files"] + files[number]
        try launch("worker-\(number)", ["worker", "--threads", "\(threads)"] + own)
      }
    } catch {
      end(within: 0)
      throw error
    }
  }

  private func start(_ seat: Seat) throws -> ChildProcess {
    try ChildProcess(tool ?? DeepFMTool.find(), seat.arguments, name: seat.name, log: seat.log)
  }

  /// What has become of the children since this was asked last. Those that have died are started again, after a while
  /// that grows with each death in a row; those that were told to stop are not. Never waits.
  func news() -> [MemberNews] {
    seats.withLock { seats in seats.indices.flatMap { news(of: &seats[$0]) } }
  }

  private func news(of seat: inout Seat) -> [MemberNews] {
    if let child = seat.child, !child.isRunning {
      seat.child = nil
      guard !child.isDone else { return [] }
      guard let delay = seat.restarts.delay(afterLiving: child.age) else { return [.givenUp(givenUp(child))] }
      seat.due = .now + .seconds(delay)
      return [.died(process: child.processIdentifier, child.ending)]
    }
    guard let due = seat.due, due <= .now else { return [] }
    seat.due = nil
    do {
      seat.child = try start(seat)
      return []
    } catch {
      return [.givenUp("\(seat.name) cannot be started again: \(error)")]
    }
  }

  private func givenUp(_ child: ChildProcess) -> String {
    "\(child.name) has died \(mostRestarts + 1) times in a row, each time within \(Int(Restarts.soundAge)) s of its start, "
      + "and is not started again. The last time, \(child.ending)"
  }

  /// Waits for children that were told to stop, and ends those that do not within `seconds`.
  func end(within seconds: Double = 2) {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while seats.withLock({ $0.contains { $0.child?.isRunning == true } }), Date() < deadline { usleep(10_000) }
    kill()
    seats.withLock { $0.removeAll() }
  }

  private func kill() {
    for seat in seats.withLock({ $0 }) { seat.child?.kill() }
  }
}

/// Where the members of a local cluster find each other.
struct Wiring {
  /// By a member's name, where it finds the coordinator.
  let coordinator: (String) -> String
  /// By a server's number, flags that say where it listens.
  let server: (Int) -> [String]

  init(coordinator: @escaping (String) -> String, server: @escaping (Int) -> [String] = { _ in [] }) {
    self.coordinator = coordinator
    self.server = server
  }

  /// Everyone speaks to everyone.
  init(coordinator endpoint: String) { self.init(coordinator: { _ in endpoint }) }
}
