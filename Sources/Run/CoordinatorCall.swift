import Foundation
import Job
import Wire

/// What a person asks of a coordinator that runs, from another process.
public final class CoordinatorCall {
  private let endpoint: String
  private let patience: Double
  private let caller: Caller
  private let context: Context
  private let socket: Socket
  private var identity = Preamble()

  /// - Parameters:
  ///   - endpoint: where the coordinator listens.
  ///   - patience: seconds without an answer after which nobody is there.
  ///   - caller: hears how far it is, and can end it.
  /// - Throws: `WireError` where the endpoint is none.
  public init(_ endpoint: String, patience: Double = 10, caller: Caller = Caller()) throws {
    self.endpoint = endpoint
    self.patience = patience
    self.caller = caller
    context = try Context()
    socket = try Socket(.dealer, in: context)
    try socket.connect(endpoint)
    identity.incarnation = .random(in: 1 ... .max)
  }

  /// Who takes part in the run, and what they do, a line each.
  ///
  /// - Throws: `RunFailure` where nobody answers.
  public func status() throws -> [String] { try carryOut(.status) }

  /// Lets a member go, and returns when it has.
  ///
  /// - Parameter name: such as `worker-1`.
  /// - Throws: `RunFailure` where nobody answers, or the coordinator does not want to.
  public func drain(_ name: String) throws { _ = try carryOut(.drain(name)) }

  /// Moves slots so that servers bear as much as their weights say, and returns when they have.
  ///
  /// - Parameters:
  ///   - load: what is to be even.
  ///   - isDry: only to be told what would move.
  /// - Returns: a line for each server.
  /// - Throws: `RunFailure` where nobody answers.
  public func rebalance(by load: Rebalance.Load, isDry: Bool = false) throws -> [String] {
    try carryOut(.rebalance(Rebalance(id: .random(in: 0 ... .max), load: load, isDry: isDry)))
  }

  /// Asks until it is done.
  private func carryOut(_ command: CoordinatorCommand) throws -> [String] {
    var said: String?
    while true {
      switch try ask(command) {
      case .done(let lines): return lines
      case .refused(let sentence): throw RunFailure.failed(sentence + ".")
      case .underWay(let sentence):
        if sentence != said { caller.observer.say(sentence) }
        said = sentence
        try wait(seconds: Self.interval)
      }
    }
  }

  /// Seconds after which it is asked again, whether for want of an answer or of a final one.
  private static let interval = 1.0

  private func wait(seconds: Double) throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
      try caller.check()
      usleep(50_000)
    }
  }

  /// Asks until there is an answer.
  private func ask(_ command: CoordinatorCommand) throws -> CommandAnswer {
    let end = ContinuousClock.now + .seconds(patience)
    identity.request += 1
    identity.oldest = identity.request
    var poller = Poller([socket])
    while ContinuousClock.now < end {
      _ = try socket.send(Envelope(identity, .command(Control(command))))
      let next = ContinuousClock.now + .seconds(Self.interval)
      while ContinuousClock.now < next {
        try caller.check()
        try poller.wait(milliseconds: 50)
        if let answer = try receive() { return answer }
      }
    }
    throw RunFailure.failed(
      "nobody answers at \(endpoint) within \(Int(patience)) s. Does the run's coordinator live, and is it there?")
  }

  private func receive() throws -> CommandAnswer? {
    while let received = try socket.receive() {
      switch received {
      case .malformed(let error, _): throw RunFailure.failed("\(endpoint): \(error).")
      case .envelope(let envelope, _):
        // An answer to what was asked before says nothing new.
        guard envelope.preamble.request == identity.request else { continue }
        switch envelope.message {
        case .report(let control): return try control.decode()
        case .refusal(let refusal): throw RunFailure.failed("\(endpoint): \(refusal).")
        default: continue
        }
      }
    }
    return nil
  }
}
