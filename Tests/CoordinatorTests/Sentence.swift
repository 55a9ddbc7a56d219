import Checkpoint
import Job
import Sharding
import Wire

@testable import Coordinator

/// What is asked and told, as sentences.
enum Sentence {
  static func order(_ message: Message, to member: Member, view: UInt32? = nil) -> String {
    guard case .order(let control) = message else { return message.name }
    let view = view.map { " \($0)" } ?? ""
    if member.role == .server {
      return (try? control.decode(ServerOrder.self)).map { order($0, view) } ?? "?"
    }
    return (try? control.decode(WorkerOrder.self)).map { order($0, view) } ?? "?"
  }

  private static func order(_ order: ServerOrder, _ view: String) -> String {
    switch order {
    case .propose: "propose\(view)"
    case .adopt(let assignment): "be server \(assignment.server) at \(assignment.clock)\(start(assignment.start))"
    case .settle(let clock): "settle \(clock)"
    case .checkpoint(let order):
      "checkpoint \(order.number) at \(order.clock)" + (order.base.map { " since \($0.clock)" } ?? "")
    case .write(let number): "write \(number)"
    case .remove(let files): "remove \(files.joined(separator: " "))"
    case .fill(let order): "fill \(order.slots.reduce(0) { $0 + $1.count }) slots of server \(order.server)"
    case .weigh: "weigh"
    case .digest: "digest"
    case .stop: "stop"
    }
  }

  private static func start(_ start: ServerAssignment.Start) -> String {
    switch start {
    case .held: ", held"
    case .fresh: ", fresh"
    case .restored(let restore): ", from checkpoint \(restore.chain.last?.number ?? 0)"
    }
  }

  private static func order(_ order: WorkerOrder, _ view: String) -> String {
    switch order {
    case .propose: "propose\(view)"
    case .survey(let survey): "survey \(survey.train)"
    case .adopt(let assignment): "be worker \(assignment.worker) for slices \(assignment.ownedSlices)"
    case .train(let leases):
      "train " + leases.map { "\($0.slice) in epoch \($0.epoch) steps \($0.steps)" }.joined(separator: ", ")
    case .evaluate(let round, let clock): "evaluate \(round) at \(clock)"
    case .stop: "stop"
    }
  }

  static func outcome(_ outcome: Outcome) -> String {
    switch outcome {
    case .completed: "completed"
    case .failed(let sentence): "failed: \(sentence)"
    case .interrupted(let checkpoint): "interrupted, last checkpoint \(checkpoint.map(String.init) ?? "none")"
    }
  }

  static func commit(_ checkpoint: CheckpointRecord) -> String {
    "commit checkpoint \(checkpoint.number), next step \(checkpoint.step)"
  }

  static func view(_ view: ViewRecord) -> String {
    let members = view.members.map { "\($0.role)-\($0.number)" }.joined(separator: " ")
    return "view \(view.number) at \(view.clock)\(view.isRewound ? ", rewound" : ""): \(members)"
  }
}
