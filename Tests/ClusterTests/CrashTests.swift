import Foundation
import Testing

/// Processes that die, or whose disks fail, at one of the calls that write or sync a checkpoint or the catalogue.
@Suite(.serialized)
struct CrashTests {
  private static let flags = [
    "--train", Sample.small, "--hidden", "16", "--embedding", "4", "--batch", "256", "--epochs", "3", "--servers", "2",
    "--workers", "1", "--checkpoint-every", "10steps", "--timeout", "60",
  ]

  /// `CRASHES=300` in the environment: each call up to this one, for `make soak`; otherwise a few.
  private static let calls: [Int] =
    ProcessInfo.processInfo.environment["CRASHES"].flatMap { Int($0) }.map { Array(1...$0) } ?? [2, 9, 40, 120, 240]

  @Test(
    "Whichever call does not come to be, the checkpoints are whole, and the run goes on to the undisturbed one's bits",
    arguments: ["shards/", "run.sqlite"], ["kill", "error"])
  func crash(in word: String, how: String) throws {
    let tool = try Tool()
    let library = tool.directory + "/crash.so"
    let source = Repository.path + "/Tests/Crash/crash.c"
    #expect(try Repository.run(["clang", "-shared", "-fPIC", "-O1", "-Wall", source, "-o", library, "-ldl"]) == 0)
    let wanted = try tool.train(Self.flags).parameterDigest
    var happened = 0
    for call in Self.calls {
      let (run, flag) = ("\(tool.directory)/\(call)", "\(tool.directory)/\(call).flag")
      let ended = try tool.run(
        ["train", "--json", "--run-dir", run] + Self.flags,
        [
          "LD_PRELOAD": library, "CRASH_IN": word, "CRASH_AT": "\(call)", "CRASH_HOW": how, "CRASH_FLAG": flag,
        ])
      guard FileManager.default.fileExists(atPath: flag) else { continue }
      happened += 1
      let verified = try tool.run("verify", run)
      if ended.status == 0 {
        #expect(try Tool.digest(ended) == wanted && verified.status == 0, "call \(call): \(verified.output)")
        continue
      }
      #expect(word == "run.sqlite", "call \(call): only the catalogue's coordinator ends the run: \(ended.errors)")
      // It may have died before there was a run, or after its end.
      if verified.errors.contains("holds no run") || verified.errors.contains("does not exist") { continue }
      #expect(verified.status == 0, "call \(call): \(verified.output)\(verified.errors)")
      let resumed = try tool.run(["train", "--json", "--resume", run])
      if resumed.errors.contains("has its 3 epochs") { continue }
      // Or before all was there that a run begins with.
      if verified.output.contains("There is no checkpoint yet"), resumed.errors.contains("holds no run") { continue }
      #expect(resumed.status == 0, "call \(call): \(resumed.errors)")
      #expect(try Tool.digest(resumed) == wanted, "call \(call)")
      try? FileManager.default.removeItem(atPath: run)
    }
    #expect(happened >= 3, "\(happened) calls were hit")
  }
}
