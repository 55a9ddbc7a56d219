import Checkpoint
import Foundation
import Testing

/// Checkpoints of whole runs: what they cost, what becomes of those that are damaged or cannot be written.
@Suite(.serialized)
struct CheckpointTests {
  private static let flags = ["--train", Sample.small, "--valid", Sample.smallValid] + Sample.tiny

  private static func parts(_ directory: String) throws -> [CheckpointRecord] {
    try Catalogue.open(at: directory + "/run.sqlite").checkpoints()
  }

  /// Flips a bit of the last row in a file.
  private static func damage(_ path: String) throws {
    var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
    let magic = Array("SLOT".utf8)
    let place = try #require(bytes.indices.dropLast(64).last { Array(bytes[$0..<$0 + 4]) == magic })
    bytes[place + 60] ^= 1
    try Data(bytes).write(to: URL(filePath: path))
  }

  @Test("verify says which checkpoints are whole, names a damaged file, and a run goes on from the last whole one")
  func verify() throws {
    let tool = try Tool()
    _ = try tool.train(Self.flags + ["--checkpoint-every", "5steps", "--keep-checkpoints", "9"], into: "run")
    let directory = tool.directory + "/run"
    let checkpoints = try Self.parts(directory)
    #expect(checkpoints.contains { $0.base != nil } && checkpoints.contains { $0.step % 5 != 0 })
    let whole = try tool.run("verify", directory)
    #expect(whole.status == 0 && whole.output.contains("whole"), "\(whole.output)\(whole.errors)")
    let last = try #require(checkpoints.last)
    let file = last.parts[0].path
    try Self.damage(file)
    let damaged = try tool.run("verify", directory, "--json")
    #expect(damaged.status == 1 && damaged.output.contains(file) && damaged.output.contains("its checksum differs"))
    let evaluated = try tool.run("evaluate", "--run-dir", directory, "--data", Sample.smallValid)
    #expect(evaluated.status == 1 && evaluated.errors.contains(file), "\(evaluated.errors)")
    let stray = URL(filePath: file).deletingLastPathComponent().appending(path: "checkpoint-99.sqlite").path
    #expect(FileManager.default.createFile(atPath: stray, contents: Data("half".utf8)))
    // It goes on from the one before, and comes to the same as if nothing had been.
    let longer = try tool.train(Self.flags + ["--epochs", "4"])
    let resumed = try tool.run(["train", "--json", "--resume", directory, "--epochs", "4"])
    #expect(resumed.errors.contains("checkpoint \(last.number) is not whole: \(file)"), "\(resumed.errors)")
    #expect(resumed.errors.contains("The run goes on from checkpoint \(checkpoints[checkpoints.count - 2].number)"))
    #expect(try Tool.digest(resumed) == longer.parameterDigest)
    #expect(try tool.run("verify", directory).status == 0)
    #expect(!FileManager.default.fileExists(atPath: stray), "what a dead process left is swept up")
  }

  @Test("Where no checkpoint is whole a run does not go on, and says which file is wrong")
  func nothingWhole() throws {
    let tool = try Tool()
    _ = try tool.train(Self.flags + ["--keep-checkpoints", "1", "--keep-best", "false"], into: "run")
    let directory = tool.directory + "/run"
    let file = try #require(try Self.parts(directory).last?.parts.first?.path)
    try FileManager.default.removeItem(atPath: file)
    let ended = try tool.run("train", "--resume", directory, "--epochs", "9")
    #expect(ended.status == 1 && ended.errors.contains("\(file), a part of checkpoint"), "\(ended.errors)")
    #expect(ended.errors.contains("No other checkpoint of \(directory) is whole"))
  }

  @Test("A full disk costs checkpoints, which is said; the run goes on, and the next succeeds when there is room")
  func diskFull() throws {
    let tool = try Tool()
    let disk = tool.directory + "/disk"
    try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
    func sh(_ command: String) throws -> Int32 {
      let process = try Process.run(URL(filePath: "/bin/sh"), arguments: ["-c", command + " 2>/dev/null"])
      process.waitUntilExit()
      return process.terminationStatus
    }
    guard try sh("mount -t tmpfs -o size=600k tmpfs \(disk)") == 0 else {
      print("skipped: only root can make a small disk to fill")
      return
    }
    defer { _ = try? sh("umount \(disk)") }
    let flags = [
      "--train", Sample.train, "--valid", Sample.smallValid, "--hidden", "64,32", "--embedding", "4", "--batch", "512",
      "--epochs", "4", "--timeout", "60",
    ]
    let running = try tool.start(
      [
        "train", "--json", "--run-dir", tool.directory + "/run", "--shard-dir", disk, "--keep-best", "false",
        "--keep-checkpoints", "1",
      ] + flags)
    #expect(running.waitToSay("checkpoint 1 could not be written: "), "\(running.said)")
    #expect(running.said.contains("Training goes on; there is none that is whole yet"), "\(running.said)")
    #expect(try sh("mount -o remount,size=60m \(disk)") == 0)
    let ended = try running.wait(seconds: 120)
    let undisturbed = try tool.train(flags)
    #expect(try Tool.digest(ended) == undisturbed.parameterDigest)
    let checkpoints = try Self.parts(tool.directory + "/run")
    #expect(checkpoints.last?.epoch == 4 && checkpoints.first?.base == nil)
    #expect(try tool.run("verify", tool.directory + "/run").status == 0)
  }
}
