import Checkpoint
import Job
import Sharding
import Testing
import Wire

@testable import Coordinator

/// A coordinator's core with two servers and two workers played by hand, whose messages reach each other at once.
final class CoordinatorPlay {
  var core: CoordinatorCore
  var time: Seconds = 0
  private(set) var outcome: Outcome?
  private(set) var members: [MemberRecord] = []
  /// Servers, then workers.
  let processes: [Process]

  init() {
    core = CoordinatorCore(servers: 2, workers: 2, run: 7, timing: Timing(timeout: 20), at: 0)
    processes = [(Member.Role.server, 0), (.server, 1), (.worker, 0), (.worker, 1)].map { role, number in
      let member = Member(role, number)
      return Process(
        Sample.registration(role, number), incarnation: Sample.incarnation(member) + 1,
        route: UInt8(Sample.incarnation(member)))
    }
  }

  /// One whose processes have all registered for a plan.
  static func gathered(_ plan: Plan) -> CoordinatorPlay {
    let play = CoordinatorPlay()
    _ = play.tell(.start(plan))
    for process in play.processes { _ = play.receive(process.register(), process) }
    return play
  }

  subscript(member: Member) -> Process { processes.first { $0.member == member }! }

  func receive(_ envelope: Envelope, _ process: Process) -> [String] {
    tell(.received(envelope, from: process.route))
  }

  /// The answer to the oldest order that the member was given.
  @discardableResult func report(_ report: some Encodable, _ member: Member) throws -> [String] {
    receive(try self[member].report(report), self[member])
  }

  /// Everyone beats, and time goes on.
  @discardableResult func wait(_ seconds: Seconds, moving: Bool = false, silent: Process? = nil) -> [String] {
    var sentences: [String] = []
    let end = time + seconds
    while time < end - 0.01 {
      time += 0.1
      for process in processes where process !== silent && process.member != nil {
        sentences += receive(process.beat(Beat(done: moving ? UInt64(time * 10) : 0)), process)
      }
      sentences += tell(.tick)
    }
    return sentences
  }

  /// Tells the core, delivers what it sends, and returns the rest as sentences.
  func tell(_ event: CoordinatorCore.Event) -> [String] {
    core.receive(event, at: time).compactMap { effect in
      switch effect {
      case .send(let envelope, let route):
        let process = processes.first { $0.route == route }
        process?.hear(envelope)
        if case .refusal(let refusal) = envelope.message { return "refuse \(route.bytes): \(refusal)" }
        guard case .order = envelope.message, let member = process?.member else { return nil }
        return "\(member): \(Sentence.order(envelope.message, to: member))"
      case .recordMembers(let members, let view):
        self.members = members
        return "view \(view)"
      case .commit(let epoch, let checkpoint): return Sentence.commit(epoch, checkpoint)
      case .progress: return "progress"
      case .epochDone(let epoch): return "epoch \(epoch.epoch) done"
      case .say(let sentence): return "say: \(sentence)"
      case .finish(let outcome):
        self.outcome = outcome
        return Sentence.outcome(outcome)
      }
    }
  }

  func adopt() throws {
    for number in 0..<2 { try report(ServerReport.adopted, .server(number)) }
    for number in 0..<2 { try report(WorkerReport.adopted, .worker(number)) }
  }

  var failure: String? { if case .failed(let sentence)? = outcome { sentence } else { nil } }
}
