import Checkpoint
import Foundation
import Job
import Wire

/// What whoever launched processes tells of them.
public enum MemberNews: Sendable {
  /// A process on this host is dead, as a sentence says; another may come in its place.
  case died(process: Int32, String)
  /// It died too often: the run is to end with this sentence.
  case givenUp(String)
}

/// The coordinator of a run: the edge around `CoordinatorCore`. It owns the socket and the catalogue, and decides nothing.
public final class Coordinator {
  /// Where processes find it, with the port it got.
  public let endpoint: String
  private let context: Context
  private let socket: Socket
  private let catalogue: Catalogue?
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var core: CoordinatorCore
  /// Numbers of a run without a catalogue.
  private var views: UInt32 = 0
  private var checkpoints = 0

  /// - Parameters:
  ///   - listen: such as `tcp://127.0.0.1:*`.
  ///   - cluster: how many must come before a plan begins, and how long they may be silent.
  ///   - catalogue: of the run that this one reigns over; nil for one that leaves nothing.
  ///   - expectsMembers: whether processes of an earlier reign may be alive.
  /// - Throws: `WireError` where the address cannot be had, `CatalogueError` where the catalogue cannot be read.
  public init(
    listen: String, cluster: ClusterSettings, catalogue: Catalogue?, expectsMembers: Bool = true
  ) throws {
    context = try Context()
    socket = try Socket(.router, in: context)
    endpoint = try socket.bind(listen)
    self.catalogue = catalogue
    start = clock.now
    core = CoordinatorCore(
      cluster: ClusterNeeds(cluster), run: try catalogue?.fact("run") ?? .random(in: 1 ... .max),
      term: catalogue?.term ?? 1, incarnation: .random(in: 1 ... .max),
      history: try catalogue?.history() ?? RunHistory(), expectsMembers: expectsMembers,
      timing: Timing(timeout: cluster.timeout, coordinatorTimeout: cluster.coordinatorTimeout), at: 0)
  }

  private var seconds: Double { (clock.now - start) / .seconds(1) }

  /// Runs a plan until it is done, has failed, or is interrupted. The same processes serve one plan after another.
  ///
  /// - Parameters:
  ///   - watch: asked a few times a second: what has become of processes that the caller watches.
  ///   - isInterrupted: asked as often.
  /// - Throws: `CatalogueError` where the catalogue cannot be written.
  public func run(
    _ plan: Plan, observer: any RunObserver, watch: () -> [MemberNews] = { [] },
    isInterrupted: () -> Bool = { false }
  ) throws -> Outcome {
    let host = ProcessInfo.processInfo.hostName
    var outcome: Outcome?

    func perform(_ event: CoordinatorCore.Event) throws {
      for effect in core.receive(event, at: seconds) {
        switch effect {
        case .send(let envelope, let route): try send(envelope, along: route)
        case .reserveView:
          views += 1
          try perform(.viewReserved(catalogue?.reserveView() ?? views))
        case .record(let view):
          try catalogue?.record(view)
          try perform(.viewRecorded)
        case .reserveCheckpoint:
          checkpoints += 1
          try perform(.checkpointReserved(catalogue?.reserveCheckpoint() ?? checkpoints))
        case .recordEpoch(let epoch):
          try catalogue?.record(epoch)
          try perform(.epochRecorded)
        case .commit(let checkpoint):
          try catalogue?.commit(checkpoint)
          try perform(.committed)
        case .note(let sentence): try catalogue?.record(event: sentence)
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

    var poller = Poller([socket])

    func listen() throws {
      while outcome == nil, let event = try next() { try perform(event) }
    }

    func tell(_ news: [MemberNews]) throws {
      guard !news.isEmpty else { return }
      // What a dying process told us says more than its exit status.
      try poller.wait(milliseconds: 50)
      try listen()
      for news in news where outcome == nil {
        switch news {
        case .died(let process, let sentence):
          try perform(.died(host: host, process: process, sentence))
        case .givenUp(let sentence): try perform(.failed(sentence))
        }
      }
    }

    do {
      try perform(.start(plan))
      while outcome == nil {
        try poller.wait(milliseconds: Int(Timing.tick * 1000))
        try listen()
        if outcome == nil, isInterrupted() { try perform(.interrupt) }
        if outcome == nil { try tell(watch()) }
        if outcome == nil { try perform(.tick) }
      }
    } catch {
      if !isSuperseded(error) { try? perform(.failed("\(error)")) }
      throw error
    }
    return outcome!
  }

  /// Whoever has lost the run to another coordinator leaves its members alone.
  private func isSuperseded(_ error: any Error) -> Bool {
    guard case CatalogueError.superseded = error else { return false }
    wasSuperseded = true
    return true
  }

  private var wasSuperseded = false

  /// Tells everyone to stop, and waits a moment for their answers.
  public func dismiss() {
    guard !wasSuperseded else { return }
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
