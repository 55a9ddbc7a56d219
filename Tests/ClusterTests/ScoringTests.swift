import Checkpoint
import Coordinator
import DeepFM
import Foundation
import Testing

/// What a run has come to, asked of its checkpoints.
@Suite(.serialized)
struct ScoringTests {
  @Test("evaluate gives the last epoch's metrics, predict a probability a row in order, whoever computes them")
  func scoring() throws {
    let tool = try Tool()
    let result = try tool.train(["--train", Sample.small, "--valid", Sample.smallValid] + Sample.tiny, into: "run")
    let run = tool.directory + "/run"
    struct Scores: Decodable {
      var auc: Double
      var logloss: Double
      var rows: Int
      var checkpoint: Int
    }
    for flags in [[], ["--servers", "3", "--workers", "2"]] {
      let ended = try tool.run(["evaluate", "--run-dir", run, "--data", Sample.smallValid, "--json"] + flags)
      let scores = try JSONDecoder().decode(Scores.self, from: Data(ended.output.utf8))
      #expect(
        scores.auc == result.auc && scores.logloss == result.logloss && scores.rows == 1234 && scores.checkpoint == 2)
    }
    let out = tool.directory + "/probabilities.txt"
    #expect(try tool.run("predict", "--run-dir", run, "--data", Sample.smallValid, "--out", out).status == 0)
    let probabilities = try String(contentsOfFile: out, encoding: .utf8).split(separator: "\n").map { Float($0)! }
    let labels = try String(contentsOfFile: Sample.smallValid, encoding: .utf8).split(separator: "\n").map {
      Float(String($0.first!))!
    }
    #expect(probabilities.count == 1234 && probabilities.allSatisfy { $0 > 0 && $0 < 1 })
    // The probabilities belong to their rows: they have the AUC that evaluate found.
    #expect(abs(Metrics.auc(labels: labels, scores: probabilities)! - result.auc!) < 1e-4)

    // Data of one class have no AUC, and JSON says so; what a killed process left is swept up.
    let clicks = tool.directory + "/clicks.txt"
    try String(contentsOfFile: Sample.smallValid, encoding: .utf8).split(separator: "\n").filter { $0.hasPrefix("1") }
      .joined(separator: "\n").write(toFile: clicks, atomically: true, encoding: .utf8)
    let stale = FileManager.default.temporaryDirectory.path + "/deepfm-score-1-\(Int32.max)"
    try FileManager.default.createDirectory(atPath: stale, withIntermediateDirectories: true)
    let oneClass = try tool.run("evaluate", "--run-dir", run, "--data", clicks, "--json")
    #expect(
      oneClass.output.contains(#""auc":null,"auc_reason":"one class only""#), "\(oneClass.output)\(oneClass.errors)")
    #expect(!FileManager.default.fileExists(atPath: stale))

    // A run that was moved is found where it is now.
    try FileManager.default.moveItem(atPath: run, toPath: run + "-moved")
    #expect(try tool.run("evaluate", "--run-dir", run + "-moved", "--data", Sample.smallValid).status == 0)
  }

  @Test(
    "One process and a cluster come to the same probabilities, to the bit",
    arguments: [
      ["--model", "deepfm-d", "--admit-after", "3"], ["--model", "ipnn"], ["--model", "fnn"],
      ["--model", "lr", "--consistency", "lag:1", "--checkpoint-every", "5steps"],
    ])
  func oneProcess(flags: [String]) throws {
    let tool = try Tool()
    _ = try tool.train(["--train", Sample.small] + Sample.tiny + flags, into: "run")
    var texts: Set<String> = []
    for (name, flags) in [("one", ["--threads", "3"]), ("two", ["--servers", "3", "--workers", "2"])] {
      let out = "\(tool.directory)/\(name)"
      let ended = try tool.run(
        ["predict", "--run-dir", tool.directory + "/run", "--data", Sample.smallValid, "--out", out] + flags)
      #expect(ended.status == 0, "\(ended.errors)")
      texts.insert(try String(contentsOfFile: out, encoding: .utf8))
    }
    #expect(texts.count == 1 && texts.first!.split(separator: "\n").count == 1234)
  }

  @Test("The best checkpoint is kept and scored, as are the latest; what is not kept is said so")
  func bestCheckpoint() throws {
    let tool = try Tool()
    let run = tool.directory + "/run"
    // It overfits soon.
    let trained = try tool.run(
      ["train", "--run-dir", run, "--train", Sample.small, "--valid", Sample.smallValid, "--lr", "0.01"] + Sample.tiny
        + [
          "--epochs", "7", "--keep-checkpoints", "2",
        ])
    let epochs = try Catalogue.open(at: run + "/run.sqlite").history().epochs
    let best = try #require(epochs.best(by: .logloss))
    #expect(best.epoch <= 4 && epochs.count == 7 && best.checkpoint == best.epoch)
    #expect(trained.output.contains("best, epoch \(best.epoch)"), "\(trained.output)\(trained.errors)")
    struct Scores: Decodable {
      var auc: Double
      var checkpoint: Int
    }
    func evaluate(_ flags: [String]) throws -> Tool.Ended {
      try tool.run(["evaluate", "--run-dir", run, "--data", Sample.smallValid, "--json"] + flags)
    }
    for (flags, epoch) in [([], 7), (["--checkpoint", "best"], best.epoch), (["--checkpoint", "6"], 6)] {
      let ended = try evaluate(flags)
      let scores = try JSONDecoder().decode(Scores.self, from: Data(ended.output.utf8))
      #expect(scores.checkpoint == epoch && scores.auc == epochs[epoch - 1].auc, "\(flags): \(ended.errors)")
    }
    let gone = try evaluate(["--checkpoint", "5"])
    #expect(gone.status == 1 && gone.errors.contains("There are: \(best.epoch), 6, 7."), "\(gone.errors)")
    let unknown = try evaluate(["--checkpoint", "latest"])
    #expect(unknown.status == 2 && unknown.errors.contains("last, best, a checkpoint's number"), "\(unknown.errors)")
  }
}
