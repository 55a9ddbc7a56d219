import Checkpoint
import Foundation
import Wire

/// The coordinator of a run: the edge around `CoordinatorCore`. It owns the socket and the catalogue, and decides nothing.
public final class Coordinator {
  /// Where processes find it, with the port it got.
  public let endpoint: String
  private let context: Context
  private let socket: Socket
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var core: CoordinatorCore

  /// - Parameters:
  ///   - listen: such as `tcp://127.0.0.1:*`.
  ///   - servers: how many must come before a plan begins.
  ///   - workers: the same.
  ///   - timeout: seconds of silence, or of work that stands still, after which the run ends.
  /// - Throws: `WireError` where the address cannot be had.
  public init(listen: String, servers: Int, workers: Int, timeout: Double) throws {
    context = try Context()
    socket = try Socket(.router, in: context)
    endpoint = try socket.bind(listen)
    start = clock.now
    core = CoordinatorCore(
      servers: servers, workers: workers, run: .random(in: 1 ... .max), timing: Timing(timeout: timeout), at: 0)
  }

  private var seconds: Double { (clock.now - start) / .seconds(1) }

  /// Runs a plan until it is done, has failed, or is interrupted. The same processes serve one plan after another.
  ///
  /// - Parameters:
  ///   - catalogue: where epochs and checkpoints are recorded; nil for a plan that makes none.
  ///   - failure: asked a few times a second: a sentence if a process that the caller watches has died.
  ///   - isInterrupted: asked as often.
  /// - Throws: `CatalogueError` where the catalogue cannot be written.
  public func run(
    _ plan: Plan, catalogue: Catalogue?, observer: any RunObserver, failure: () -> String?, isInterrupted: () -> Bool
  ) throws -> Outcome {
    var outcome: Outcome?

    func perform(_ event: CoordinatorCore.Event) throws {
      for effect in core.receive(event, at: seconds) {
        switch effect {
        case .send(let envelope, let route): try send(envelope, along: route)
        case .recordMembers(let members, let view): try catalogue?.record(members: members, view: view)
        case .commit(let epoch, let checkpoint):
          try catalogue?.commit(epoch, checkpoint)
          try perform(.committed)
        case .progress(let progress): observer.show(progress)
        case .epochDone(let epoch): observer.show(epoch)
        case .say(let sentence): observer.say(sentence)
        case .finish(let end):
          outcome = end
          if case .failed(let sentence) = end { try? catalogue?.record(event: sentence) }
          if case .interrupted = end { try? catalogue?.record(event: "interrupted") }
        }
      }
    }

    func listen() throws {
      while outcome == nil, let event = try next() { try perform(event) }
    }

    var poller = Poller([socket])
    do {
      try perform(.start(plan))
      while outcome == nil {
        try poller.wait(milliseconds: Int(Timing.tick * 1000))
        try listen()
        if outcome == nil, isInterrupted() { try perform(.interrupt) }
        if outcome == nil, let sentence = failure() {
          // What a dying process told us says more than its exit status.
          try poller.wait(milliseconds: 200)
          try listen()
          if outcome == nil { try perform(.failed(sentence)) }
        }
        if outcome == nil { try perform(.tick) }
      }
    } catch {
      try? perform(.failed("\(error)"))
      throw error
    }
    return outcome!
  }

  /// Tells everyone to stop, and waits a moment for their answers.
  public func dismiss() {
    var poller = Poller([socket])
    let end = seconds + 1
    var effects = core.receive(.dismiss, at: seconds)
    while true {
      for case .send(let envelope, let route) in effects { try? send(envelope, along: route) }
      guard !core.isAlone, seconds < end else { return }
      try? poller.wait(milliseconds: 20)
      effects = core.receive(.tick, at: seconds)
      while let event = try? next() { effects += core.receive(event, at: seconds) }
    }
  }

  private func next() throws -> CoordinatorCore.Event? {
    while let received = try socket.receive() {
      switch received {
      case .envelope(let envelope, let route?): return .received(envelope, from: route)
      case .malformed(let error, let route?): return .malformed(error, from: route)
      case .envelope, .malformed: continue
      }
    }
    return nil
  }

  /// A peer that is gone shows as silence; the core judges that.
  private func send(_ envelope: Envelope, along route: Route) throws {
    if case .congested = try socket.send(envelope, along: route) {
      _ = core.receive(.congested(route, request: envelope.preamble.request), at: seconds)
    }
  }
}
