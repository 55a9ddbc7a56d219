import Job
import Sharding
import Wire
import Worker

extension [WorkerCore.Effect] {
  func envelopes(to peer: WorkerCore.Peer) -> [Envelope] {
    compactMap { if case .send(let envelope, peer) = $0 { envelope } else { nil } }
  }

  /// All that goes to servers.
  var toServers: [(server: Int, envelope: Envelope)] {
    compactMap { if case .send(let envelope, .server(let server)) = $0 { (server, envelope) } else { nil } }
  }

  var pulls: [(server: Int, pull: Pull)] {
    toServers.compactMap { if case .pull(let pull) = $0.envelope.message { ($0.server, pull) } else { nil } }
  }

  var pushes: [(server: Int, push: Push)] {
    toServers.compactMap { if case .push(let push) = $0.envelope.message { ($0.server, push) } else { nil } }
  }

  var reports: [WorkerReport] {
    envelopes(to: .coordinator).compactMap {
      guard case .report(let control) = $0.message else { return nil }
      return try? control.decode()
    }
  }

  var preparations: [Preparation] { compactMap { if case .prepare(let preparation) = $0 { preparation } else { nil } } }
  var connected: [[Seat]] { compactMap { if case .connect(let seats) = $0 { seats } else { nil } } }
  var computed: [StepWork] { compactMap { if case .compute(let work) = $0 { work } else { nil } } }
  var said: [String] { compactMap { if case .say(let sentence) = $0 { sentence } else { nil } } }
  var hasEnded: Bool { contains { if case .end = $0 { true } else { false } } }

  var error: WorkerError? {
    for case .end(let error) in self { return error }
    return nil
  }
}
