import Foundation
import Run
import Testing

/// Kills a worker as soon as training is under way.
private final class Killer: RunObserver {
  let cluster = LocalCluster()
  var hasKilled = false

  func show(_ progress: RunProgress) {
    guard !hasKilled, progress.rows > 0, let worker = cluster.processIdentifier(of: "worker-0") else { return }
    hasKilled = kill(worker, SIGKILL) == 0
  }
}

@Test("A worker that is killed does not show in what its cluster trains")
func killedWorker() throws {
  let place = try Place()
  defer { place.remove() }
  let undisturbed = try Training(place.settings(rows: 50_000, run: "undisturbed")).run()
  let killer = Killer()
  let disturbed = try Training(
    place.settings(rows: 50_000, run: "disturbed"), members: .launched(killer.cluster), caller: Caller(observer: killer)
  ).run()
  #expect(killer.hasKilled && disturbed.parameterDigest == undisturbed.parameterDigest)
}
