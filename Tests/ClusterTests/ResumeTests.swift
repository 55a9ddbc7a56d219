import Checkpoint
import Foundation
import Job
import Run
import Testing

/// Runs that go on after everyone in them was killed.
@Suite(.serialized)
struct ResumeTests {
  private static let flags = [
    "--train", Sample.train, "--valid", Sample.smallValid, "--hidden", "64,32", "--embedding", "4", "--batch", "512",
    "--epochs", "3", "--timeout", "60",
  ]

  /// Starts a run, kills all its processes once it has said this, and returns its directory.
  private static func killedRun(_ tool: Tool, _ flags: [String], after text: String) throws -> String {
    let directory = tool.directory + "/killed"
    let running = try tool.start(["train", "--run-dir", directory] + flags)
    #expect(running.waitToSay(text), "\(running.said)")
    running.killAll()
    return directory
  }

  private static func resume(_ tool: Tool, _ directory: String, _ flags: [String] = []) throws -> Tool.Result {
    let ended = try tool.run(["train", "--json", "--resume", directory] + flags)
    guard ended.status == 0 else { throw Tool.Failure(text: "status \(ended.status): \(ended.errors)") }
    return try JSONDecoder().decode(Tool.Result.self, from: Data(ended.output.utf8))
  }

  @Test(
    "A run goes on from the middle of an epoch with other numbers of servers and workers, and comes to the same bits",
    arguments: [
      ["--evict", "score", "--evict-every", "30"], ["--admit-after", "3"],
      ["--admit-after", "2", "--evict", "unseen:0.01", "--consistency", "lag:1"], ["--consistency", "lag:2"],
      ["--schedule", "cosine", "--lr-scaling", "sqrt"],
    ])
  func middle(settings: [String]) throws {
    let tool = try Tool()
    let flags = Self.flags + settings
    let undisturbed = try tool.train(flags)
    let directory = try Self.killedRun(tool, flags + ["--checkpoint-every", "20steps"], after: "epoch 1  ")
    let checkpoints = try Catalogue.open(at: directory + "/run.sqlite").checkpoints()
    #expect(checkpoints.contains { $0.step % 20 == 0 }, "\(checkpoints.map(\.step))")
    let resumed = try Self.resume(tool, directory, ["--servers", "3", "--workers", "1"])
    #expect(resumed.parameterDigest == undisturbed.parameterDigest && resumed.auc == undisturbed.auc)
    #expect(resumed.rows == undisturbed.rows && resumed.epochs == 3)
    #expect([undisturbed, resumed].allSatisfy { ($0.evicted > 100) == settings.contains("--evict") })
  }

  @Test("A run whose servers are full writes a checkpoint and ends; on more servers it comes to the same bits")
  func memory() throws {
    let tool = try Tool()
    let undisturbed = try tool.train(Self.flags)
    let directory = tool.directory + "/full"
    let ended = try tool.run(["train", "--run-dir", directory, "--server-memory", "200k"] + Self.flags)
    #expect(ended.status == 1 && ended.errors.contains("of the 200k that --server-memory allows"), "\(ended.errors)")
    #expect(ended.errors.contains("is whole. Add a server: go on with --resume and --servers 3"), "\(ended.errors)")
    let flags = ["--servers", "3", "--server-memory", "1g"]
    #expect(try Self.resume(tool, directory, flags).parameterDigest == undisturbed.parameterDigest)
  }

  @Test("A run that has ended says so, and goes on for more epochs as if it had had them from the beginning")
  func more() throws {
    let tool = try Tool()
    let data = ["--train", Sample.small, "--valid", Sample.smallValid] + Sample.tiny
    _ = try tool.train(data, into: "run")
    let directory = tool.directory + "/run"
    let done = try tool.run("train", "--resume", directory)
    #expect(done.status == 1 && done.errors.contains("has its 2 epochs; raise --epochs, or give it new --train data"))
    let longer = try tool.train(data + ["--epochs", "5"])
    #expect(try Self.resume(tool, directory, ["--epochs", "5"]).parameterDigest == longer.parameterDigest)
    for (flags, key) in [
      (["--batch", "256"], "batch: 256"), (["--model", "fm"], "model: fm"), (["--seed", "2"], "seed: 2"),
      (["--optimizer", "sgd"], "optimizer: sgd"), (["--admit-after", "2"], "admit-after: 2"),
      (["--slices", "4"], "slices: 4"), (["--valid", Sample.valid], "valid: "),
    ] {
      let refused = try tool.run(["train", "--resume", directory, "--epochs", "9"] + flags)
      #expect(refused.status == 2 && refused.errors.contains(key), "\(refused.errors)")
    }
  }

  @Test("A run goes on where its directory was moved to, and so does one that started from a file")
  func moved() throws {
    let tool = try Tool()
    let data = ["--train", Sample.small] + Sample.tiny
    let file = tool.directory + "/model.safetensors"
    _ = try tool.train(data, into: "first")
    #expect(try tool.run("export", tool.directory + "/first", "--to", file).status == 0)
    for flags in [[], ["--start-from", file]] {
      let undisturbed = try tool.train(data + flags + ["--epochs", "4"])
      let name = UUID().uuidString
      _ = try tool.train(data + flags, into: name)
      let moved = tool.directory + "/moved-" + name
      try FileManager.default.moveItem(atPath: "\(tool.directory)/\(name)", toPath: moved)
      let resumed = try Self.resume(tool, moved, ["--epochs", "4", "--servers", "3"])
      #expect(resumed.parameterDigest == undisturbed.parameterDigest)
      #expect(try tool.run("verify", moved).status == 0)
    }
  }

  @Test("A run that has ended goes on with new data, from the state that it has come to")
  func newData() throws {
    let tool = try Tool()
    let second = tool.directory + "/second.txt"
    try FileManager.default.copyItem(atPath: Sample.valid, toPath: second)
    var digests: Set<String> = []
    for (name, flags) in [
      ("one", ["--servers", "1", "--workers", "1"]), ("two", ["--servers", "3", "--workers", "2"]),
    ] {
      let first = try tool.train(
        ["--train", Sample.small, "--valid", Sample.smallValid] + Sample.tiny + flags, into: name)
      let directory = "\(tool.directory)/\(name)"
      let result = try Self.resume(tool, directory, ["--train", second, "--epochs", "1"] + flags)
      #expect(result.rows == 20_000 && result.epochs == 1 && result.parameterDigest != first.parameterDigest)
      digests.insert(result.parameterDigest)
      let history = try Catalogue.open(at: directory + "/run.sqlite").history()
      #expect(history.epochs(ofStage: 0).count == 2 && history.epochs(ofStage: 1).map(\.rows) == [20_000])
      #expect(history.checkpoints.map(\.number) == [1, 2, 3])
      #expect(history.checkpoints[2].step > history.checkpoints[1].step, "steps are counted on")
      let evaluated = try tool.run("evaluate", "--run-dir", directory, "--data", Sample.smallValid, "--json")
      #expect(evaluated.output.contains("\(result.auc!)"), "\(evaluated.output)\(evaluated.errors)")
      let done = try tool.run("train", "--resume", directory)
      #expect(done.status == 1 && done.errors.contains("has its 1 epochs"), "\(done.errors)")
    }
    #expect(digests.count == 1)
  }

  @Test("FNN goes on, whichever of its two models was being trained", arguments: ["epoch 1  ", "view 2: "])
  func stages(after text: String) throws {
    let tool = try Tool()
    let flags = Self.flags + ["--model", "fnn", "--epochs", "2"]
    let undisturbed = try tool.train(flags)
    let directory = try Self.killedRun(tool, flags + ["--checkpoint-every", "50steps"], after: text)
    #expect(try Self.resume(tool, directory, ["--workers", "3"]).parameterDigest == undisturbed.parameterDigest)
  }

  @Test("Data that were compressed are undone again when a run goes on")
  func compressed() throws {
    let tool = try Tool()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "gzip -c \(Sample.small) > \(tool.directory)/small.txt.gz"]
    try process.run()
    process.waitUntilExit()
    let data = ["--train", tool.directory + "/small.txt.gz"] + Sample.tiny
    _ = try tool.train(data, into: "run")
    #expect(!FileManager.default.fileExists(atPath: tool.directory + "/run/spool"))
    let longer = try tool.train(data + ["--epochs", "4"])
    let resumed = try Self.resume(tool, tool.directory + "/run", ["--epochs", "4"])
    #expect(resumed.parameterDigest == longer.parameterDigest)
  }

  @Test("A run that died before its first checkpoint, or before it began, starts from step 0 and says so")
  func beginning() throws {
    let tool = try Tool()
    let undisturbed = try tool.train(Self.flags)
    let directory = try Self.killedRun(tool, Self.flags, after: " rows of ")
    let ended = try tool.run("train", "--json", "--resume", directory)
    #expect(ended.errors.contains("there is no checkpoint yet: it starts from step 0"), "\(ended.errors)")
    #expect(try Tool.digest(ended) == undisturbed.parameterDigest)

    // One that had come no further than its configuration.
    var settings = Settings()
    settings.data.train = [Sample.small]
    settings.model.hidden = [8]
    let early = tool.directory + "/early"
    for folder in ["logs", "shards"] {
      try FileManager.default.createDirectory(atPath: "\(early)/\(folder)", withIntermediateDirectories: true)
    }
    try Catalogue.create(at: early + "/run.sqlite", host: "here", process: 1)
      .record("configuration", SavedSettings(settings))
    let fresh = try tool.train(["--train", Sample.small, "--hidden", "8"])
    #expect(try Self.resume(tool, early).parameterDigest == fresh.parameterDigest)
  }
}
