import Checkpoint
import Foundation
import Job
import Wire

/// What people look at while a run goes on.
public protocol RunObserver {
  func show(_ progress: RunProgress)
  func show(_ epoch: EpochRecord)
  func say(_ sentence: String)
}

/// The coordinator of a run: the edge around `CoordinatorCore`. It owns the socket and the catalogue.
public final class Coordinator {
  /// Where processes find it, with the port it got.
  public let endpoint: String
  private let context: Context
  private let socket: Socket
  /// Processes that wait for another plan.
  private var waitingServers: [Socket.Peer] = []
  private var waitingWorkers: [Socket.Peer] = []

  /// - Parameter listen: such as `tcp://127.0.0.1:*`.
  /// - Throws: `WireError` where the address cannot be had.
  public init(listen: String) throws {
    context = try Context()
    socket = try Socket(.router, in: context)
    endpoint = try socket.bind(listen)
  }

  /// Runs a plan until it is done, has failed, or is interrupted.
  ///
  /// - Parameters:
  ///   - catalogue: where epochs and checkpoints are recorded; nil for a plan that makes none.
  ///   - failure: asked a few times a second: a sentence if a process that the caller watches has died.
  ///   - isInterrupted: asked as often.
  public func run(
    _ plan: Plan, catalogue: Catalogue?, observer: some RunObserver, failure: () -> String?, isInterrupted: () -> Bool
  ) throws -> Outcome {
    let clock = ContinuousClock()
    let start = clock.now
    var seconds: Double { (clock.now - start) / .seconds(1) }
    var core = CoordinatorCore(plan, at: seconds)
    waitingServers = []
    waitingWorkers = []
    var outcome: Outcome?

    func perform(_ effects: [CoordinatorCore.Effect]) throws {
      for effect in effects {
        switch effect {
        case .server(let peer, let order):
          if case .release = order { waitingServers.append(peer) }
          try send(Message(control: order, kind: .serverControl), to: peer)
        case .worker(let peer, let order):
          if case .release = order { waitingWorkers.append(peer) }
          try send(Message(control: order, kind: .workerControl), to: peer)
        case .refuse(let peer, let sentence): try send(.refusal(sentence, of: Header(.refusal)), to: peer)
        case .recordMembers(let members): try catalogue?.record(members: members, view: 1)
        case .commit(let epoch, let checkpoint): try catalogue?.commit(epoch, checkpoint)
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
    do {
      while outcome == nil {
        try poller.wait(milliseconds: 100)
        while outcome == nil, let received = try socket.receive() {
          guard case .message(let message, let peer?) = received else { continue }
          try perform(handle(message, from: peer, at: seconds, &core))
        }
        if outcome == nil, isInterrupted() { try perform(core.interrupt()) }
        if outcome == nil, let sentence = failure() {
          // What a dying process told us says more than its exit status.
          try poller.wait(milliseconds: 200)
          while outcome == nil, let received = try socket.receive() {
            guard case .message(let message, let peer?) = received else { continue }
            try perform(handle(message, from: peer, at: seconds, &core))
          }
          if outcome == nil { try perform(core.fail(sentence)) }
        }
        try perform(core.tick(at: seconds))
      }
    } catch {
      try? perform(core.fail("\(error)"))
      throw error
    }
    return outcome!
  }

  /// Tells processes that wait for another plan that there is none.
  public func dismiss() {
    for peer in waitingServers { try? send(Message(control: ServerOrder.stop, kind: .serverControl), to: peer) }
    for peer in waitingWorkers { try? send(Message(control: WorkerOrder.stop, kind: .workerControl), to: peer) }
    waitingServers = []
    waitingWorkers = []
  }

  private func handle(
    _ message: Message, from peer: Socket.Peer, at time: Double, _ core: inout CoordinatorCore
  ) -> [CoordinatorCore.Effect] {
    do {
      switch message.header.kind {
      case .serverControl: return core.receive(try message.control(as: ServerReport.self), from: peer, at: time)
      case .workerControl: return core.receive(try message.control(as: WorkerReport.self), from: peer, at: time)
      case .scores: return core.receive(try ScoreBlock(message), from: peer, at: time)
      default: return [.refuse(peer, "a coordinator takes no \(message.header.kind)")]
      }
    } catch {
      return [.refuse(peer, "\(error)")]
    }
  }

  /// A peer that is gone shows as silence; the core judges that.
  private func send(_ message: Message, to peer: Socket.Peer) throws {
    do {
      try socket.send(message, to: peer)
    } catch WireError.unreachable {}
  }
}
