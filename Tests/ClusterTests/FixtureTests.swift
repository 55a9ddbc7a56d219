import Checkpoint
import Foundation
import Testing

/// Runs that were written when this format was new. Who changes it makes another: the old one is refused by name then.
struct FixtureTests {
  @Test("A run of today's format is read: whole, deltas and all, and to the same numbers")
  func format() throws {
    let tool = try Tool()
    let archive = "\(Repository.path)/Tests/Fixtures/format-\(PartWriter.version).tar.gz"
    #expect(try Repository.run(["tar", "-xzf", archive, "-C", tool.directory]) == 0)
    let (run, data) = (tool.directory + "/run", tool.directory + "/new.libfm")
    let verified = try tool.run("verify", run)
    #expect(verified.status == 0 && verified.output.contains("1 2"), "\(verified.output)\(verified.errors)")
    struct Report: Decodable {
      let auc: Double
      let logloss: Double
    }
    for (checkpoint, auc, logloss) in [
      ("last", 0.45023148148148145, 0.7031279530773421), ("1", 0.45254629629629634, 0.6961484481454072),
    ] {
      let ended = try tool.run("evaluate", "--run-dir", run, "--data", data, "--checkpoint", checkpoint, "--json")
      let report = try JSONDecoder().decode(Report.self, from: Data(ended.output.utf8))
      #expect(abs(report.auc - auc) < 1e-9 && abs(report.logloss - logloss) < 1e-6)
    }
  }
}
