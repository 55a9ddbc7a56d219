import Checkpoint
import Sharding
import Wire

/// For whom steps wait, as a server's beats tell: one that lacks slices of one worker alone waits for that one. What passes
/// between two beats is told by the later one, so an epoch's waits are known to half a second a time. Workers of equal speed
/// are waited for in turns: one that is slow stands out by being waited for more than the others.
struct WaitCount: Sendable {
  /// By worker.
  private(set) var seconds: [Member: Double] = [:]
  private var heardAt: Seconds?

  /// No more than this is told by one beat, however late it comes.
  private static let most: Seconds = 1

  /// - Parameters:
  ///   - activity: of the server that is listened to.
  ///   - view: who computes which slices.
  mutating func hear(_ activity: Activity, in view: ViewRecord, at time: Seconds) {
    defer { heardAt = time }
    let workers = view.members("worker").filter { !$0.slices.isEmpty }
    guard let heardAt, activity.kind == .collecting, workers.count > 1 else { return }
    let late = workers.filter { worker in activity.slices.contains { worker.slices.contains($0) } }
    guard late.count == 1 else { return }
    seconds[.worker(late[0].number), default: 0] += min(time - heardAt, Self.most)
  }

  /// Whom steps waited for, the longest first.
  func records(in view: ViewRecord?) -> [WaitRecord] {
    seconds.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { member, seconds in
      let place = view?.members("worker").first { $0.number == member.number }
      return WaitRecord(
        member: "\(member)", host: place?.host ?? "", process: place?.process ?? 0, seconds: seconds)
    }
  }
}
