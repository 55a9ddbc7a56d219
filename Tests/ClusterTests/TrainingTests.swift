import Checkpoint
import DeepFM
import Features
import Foundation
import Testing

/// Real clusters of real processes on this machine.
@Suite(.serialized)
struct TrainingTests {
  /// What logistic regression reaches: plain Adagrad over the same features, written here so that it shares no code
  /// with what it is compared to.
  private static func logisticRegression(train: String, valid: String) throws -> Double {
    func read(_ file: String) throws -> Batch {
      let index = try DatasetIndex.build(
        [file], schema: Schema(format: .criteo), ReadingOptions(spool: "/nonexistent"))
      let reader = ChunkReader(index)
      var batch = Batch(fields: 39)
      for chunk in index.chunks { try reader.read(chunk, into: &batch) }
      return batch
    }
    var numbers: [UInt64: Int] = [:]
    var weights: [Double] = []
    var squares: [Double] = []
    let data = try read(train)
    let keys = data.keys.map { key -> Int in
      if let number = numbers[key] { return number }
      numbers[key] = weights.count
      weights.append(0)
      squares.append(1e-6)
      return weights.count - 1
    }
    for _ in 0..<2 {
      for row in 0..<data.rows {
        let features = keys[row * 39..<(row + 1) * 39]
        let logit = features.reduce(0) { $0 + weights[$1] }
        let gradient = 1 / (1 + exp(-logit)) - Double(data.labels[row])
        for feature in features {
          squares[feature] += gradient * gradient
          weights[feature] -= 0.05 * gradient / squares[feature].squareRoot()
        }
      }
    }
    let test = try read(valid)
    let scores = (0..<test.rows).map { row in
      Float(test.keys[row * 39..<(row + 1) * 39].reduce(0) { $0 + (numbers[$1].map { weights[$0] } ?? 0) })
    }
    return Metrics.auc(labels: test.labels, scores: scores)!
  }

  @Test("Planted orders show: LR < FM < DeepFM by margins that a seed does not undo, and no gap without them")
  func orders() throws {
    let tool = try Tool()
    func auc(_ model: String, seed: Int, orders: String) throws -> Double {
      let (train, valid) = orders == "all" ? (Sample.train, Sample.valid) : (Sample.linear, Sample.linearValid)
      let result = try tool.train([
        "--model", model, "--seed", "\(seed)", "--train", train, "--valid", valid, "--hidden", "64,64", "--keep", "0.9",
        "--batch", "512", "--epochs", "3", "--timeout", "60",
      ])
      return try #require(result.auc)
    }
    for seed in 1...2 {
      let (lr, fm, deep) = try (
        auc("lr", seed: seed, orders: "all"), auc("fm", seed: seed, orders: "all"),
        auc("deepfm-d", seed: seed, orders: "all")
      )
      #expect(fm > lr + 0.005 && deep > fm + 0.02, "LR \(lr), FM \(fm), DeepFM \(deep)")
    }
    let (lr, deep) = try (auc("lr", seed: 1, orders: "1"), auc("deepfm-d", seed: 1, orders: "1"))
    #expect(abs(deep - lr) < 0.005, "LR \(lr), DeepFM \(deep) where there is only order 1")
  }

  @Test("DeepFM learns what logistic regression cannot")
  func learning() throws {
    let tool = try Tool()
    let result = try tool.train(
      [
        "--train", Sample.train, "--valid", Sample.valid, "--hidden", "64,64", "--keep", "0.9", "--batch", "512",
        "--epochs", "3",
        "--lr", "0.002", "--timeout", "60",
      ])
    let baseline = try Self.logisticRegression(train: Sample.train, valid: Sample.valid)
    #expect(baseline > 0.7, "the baseline is an honest one")
    #expect(result.auc! > baseline + 0.03, "DeepFM \(result.auc!), logistic regression \(baseline)")
    #expect(result.rows == 450_000 && result.epochs == 3 && result.model == "deepfm-d")
  }

  @Test("The parameters are the same bits for any number of servers, workers and threads, and on every run")
  func digests() throws {
    let tool = try Tool()
    let data = ["--train", Sample.small, "--valid", Sample.smallValid] + Sample.tiny
    let reference = try tool.train(data)
    for flags in [
      ["--servers", "2"], ["--servers", "1"], ["--servers", "3"], ["--workers", "1"], ["--workers", "3"],
      ["--workers", "2", "--threads", "3"], ["--sync-reading"], ["--servers", "3", "--workers", "8"],
    ] {
      let result = try tool.train(data + flags)
      #expect(result.parameterDigest == reference.parameterDigest, "\(flags)")
      #expect(result.auc == reference.auc && result.logloss == reference.logloss, "\(flags)")
    }
    for flags in [["--seed", "2"], ["--slices", "4"], ["--keep", "0.6"], ["--lr", "0.002"]] {
      #expect(try tool.train(data + flags).parameterDigest != reference.parameterDigest, "\(flags)")
    }
  }

  @Test("Every model of the paper trains on the cluster, the same bits for other servers and workers")
  func zoo() throws {
    let tool = try Tool()
    let data = ["--train", Sample.small, "--valid", Sample.smallValid] + Sample.tiny
    var digests: Set<String> = []
    for model in ModelName.allCases {
      let result = try tool.train(data + ["--model", model.rawValue])
      #expect(result.auc! > 0.55 && result.model == model.rawValue, "\(model): \(result.auc!)")
      let other = try tool.train(data + ["--model", model.rawValue, "--servers", "3", "--workers", "3"])
      #expect(result.parameterDigest == other.parameterDigest, "\(model)")
      digests.insert(result.parameterDigest)
    }
    #expect(digests.count == ModelName.allCases.count)
  }

  @Test("FNN starts from the vectors of the FM it trains first")
  func pretraining() throws {
    let tool = try Tool()
    let data = ["--train", Sample.train, "--valid", Sample.valid, "--hidden", "32", "--keep", "1", "--batch", "1024"]
    let flags = data + ["--epochs", "1", "--timeout", "60"]
    let fnn = try tool.train(flags + ["--model", "fnn"], into: "fnn")
    let dnn = try tool.train(flags + ["--model", "dnn"])
    #expect(fnn.auc! > dnn.auc!, "a trained start is ahead after one epoch: \(fnn.auc!) over \(dnn.auc!)")
    let fm = try tool.train(flags + ["--model", "fm"])
    let stages = try Catalogue.open(at: tool.directory + "/fnn/run.sqlite").history()
    #expect(stages.epochs(ofStage: 0).last?.auc == fm.auc, "the FM is the one that --model fm trains")
    #expect(stages.epochs(ofStage: 1).last?.auc == fnn.auc && stages.checkpoints.map(\.number) == [1, 2])
    let evaluated = try tool.run(
      ["evaluate", "--run-dir", tool.directory + "/fnn", "--data", Sample.valid, "--json"])
    #expect(evaluated.output.contains("\(fnn.auc!)"), "\(evaluated.output)\(evaluated.errors)")
  }

  @Test("compare tests every model with every seed, goes on where it stopped, and refuses other settings")
  func compare() throws {
    let tool = try Tool()
    let out = tool.directory + "/comparison"
    func compare(_ models: String, _ flags: [String] = []) throws -> Tool.Ended {
      try tool.run(
        [
          "compare", "--models", models, "--seeds", "2", "--train", Sample.small, "--test", Sample.smallValid, "--out",
          out,
        ]
          + Sample.tiny + flags)
    }
    let first = try compare("lr,fm")
    #expect(first.status == 0, "\(first.errors)")
    let second = try compare("lr,fm,dnn,deepfm-d")
    #expect(second.status == 0 && !second.errors.contains("FM, seed 1\nfm"), "\(second.errors)")
    #expect(second.errors.contains("run 4 of 8: DeepFM-D, seed 1") && !second.errors.contains("run 1 of 8"))
    for model in ["LR", "FM", "DNN", "**DeepFM-D**"] { #expect(second.output.contains("| \(model) |")) }
    for file in ["results.md", "results.csv", "auc.svg", "logloss.svg", "results.sqlite"] {
      #expect(FileManager.default.fileExists(atPath: "\(out)/\(file)"))
    }
    let other = try compare("lr", ["--keep", "0.9"])
    #expect(other.status == 1 && other.errors.contains("holds results of other data or settings"))
    #expect(try tool.run("compare", "--models", "lr,fn", "--train", "x", "--test", "y", "--out", out).status == 2)
  }

  @Test("study and cost draw their figures")
  func studies() throws {
    let tool = try Tool()
    let data = ["--models", "dnn", "--seeds", "1", "--train", Sample.small, "--test", Sample.smallValid]
    let study = try tool.run(
      ["study", "--vary", "activation", "--out", tool.directory + "/study"] + data + Sample.tiny)
    #expect(study.status == 0 && study.output.contains("| relu | DNN |"), "\(study.errors)")
    let cost = try tool.run(["cost", "--out", tool.directory + "/cost"] + data + Sample.tiny)
    #expect(cost.status == 0 && cost.output.contains("| LR |") && cost.output.contains("| DNN |"), "\(cost.errors)")
    for file in ["study/activation.md", "study/activation-auc.svg", "study/activation-logloss.svg", "cost/cost.svg"] {
      #expect(FileManager.default.fileExists(atPath: "\(tool.directory)/\(file)"))
    }
  }

  @Test("Every optimizer trains on the cluster")
  func optimizers() throws {
    let tool = try Tool()
    let data = ["--train", Sample.small, "--valid", Sample.smallValid] + Sample.tiny
    for (optimizer, rate) in [
      ("sgd", "0.5"), ("momentum", "0.1"), ("adagrad", "0.05"), ("rmsprop", "0.002"), ("adam", "0.002"),
      ("adamw", "0.002"), ("ftrl", "0.002"),
    ] {
      let result = try tool.train(data + ["--optimizer", optimizer, "--lr", rate])
      #expect(result.auc! > 0.55, "\(optimizer): \(result.auc!)")
    }
    let scheduled = try tool.train(data + ["--schedule", "cosine", "--warm-up", "5", "--lr-scaling", "sqrt"])
    #expect(scheduled.auc! > 0.55)
  }

  @Test("A loss that is no number stops the run, says at which step, and keeps the last checkpoint")
  func notFinite() throws {
    let tool = try Tool()
    let ended = try tool.run(
      ["train", "--train", Sample.small, "--run-dir", tool.directory + "/run", "--optimizer", "sgd", "--lr", "1e6"]
        + Sample.tiny)
    #expect(ended.status == 1 && ended.errors.contains("the loss is not a number at step "), "\(ended.errors)")
    #expect(ended.errors.contains("--lr"))
  }

  @Test("Every epoch sees every row once, more workers than rows in a slice or not")
  func unequalShares() throws {
    let tool = try Tool()
    let file = tool.directory + "/few.txt"
    let lines = try String(contentsOfFile: Sample.small, encoding: .utf8).split(separator: "\n")
    for rows in [1, 3, 17, 203] {
      try lines.prefix(rows).joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
      let result = try tool.train(
        ["--train", file, "--workers", "3", "--batch", "16"] + Sample.tiny.suffix(4) + ["--hidden", "4"])
      #expect(result.rows == 2 * rows && result.auc == nil)
    }
  }

  @Test(
    "The real Criteo sample trains: 1,999 rows, none bad",
    .enabled(if: Sample.shared != nil, "../shared/data is not here"))
  func criteo() throws {
    let tool = try Tool()
    let file = Sample.shared! + "/criteo/train.tiny.txt"
    let result = try tool.train(["--train", file, "--valid", file] + Sample.tiny)
    #expect(result.rows == 2 * 1999 && result.auc! > 0.6)
  }

  @Test(
    "Frappe reaches an AUC of 0.93 on data held out, read from gzip",
    .enabled(if: Sample.shared != nil, "../shared/data is not here"))
  func frappe() throws {
    let tool = try Tool()
    let result = try tool.train([
      "--train", Sample.shared! + "/frappe/train.libfm.gz", "--valid", Sample.shared! + "/frappe/valid.libfm.gz",
      "--format", "libfm", "--batch", "512", "--epochs", "12", "--timeout", "60",
    ])
    #expect(result.auc! >= 0.93 && result.rows == 12 * 50_000)
  }
}

/// One job with several seeds.
struct SeedTests {
  @Test(
    "Seeds train in directories of their own, and give what each gives alone; the best epoch is best by what is asked")
  func seeds() throws {
    let tool = try Tool()
    let flags =
      ["--train", Sample.small, "--valid", Sample.smallValid] + Sample.tiny + ["--epochs", "3", "--lr", "0.01"]
    let ended = try tool.run(
      ["train", "--seeds", "2", "--seed", "5", "--run-dir", tool.directory + "/many", "--json"] + flags)
    #expect(ended.status == 0, "\(ended.errors)")
    let lines = ended.output.split(separator: "\n")
    let alone = try tool.run(["train", "--seed", "6", "--run-dir", tool.directory + "/one", "--json"] + flags)
    #expect(lines.count == 2 && lines[0] != lines[1])
    #expect(try Tool.digest(alone) == JSONDecoder().decode(Digest.self, from: Data(lines[1].utf8)).parameter_digest)
    let table = try tool.run(
      ["train", "--seeds", "2", "--run-dir", tool.directory + "/table", "--best-by", "auc"] + flags)
    let words = table.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    #expect(words.map(\.first) == ["seed", "1", "2", "mean", "deviation"], "\(table.output)\(table.errors)")
    let means = (1...4).map { (Double(words[1][$0])! + Double(words[2][$0])!) / 2 }
    #expect(zip(means, words[3].dropFirst()).allSatisfy { abs($0 - Double($1)!) < 1.1e-5 })
    // By AUC the best is at least as good as the last.
    #expect(Double(words[1][3])! >= Double(words[1][1])!)
    #expect(
      try tool.run(
        "evaluate", "--run-dir", tool.directory + "/table/seed-2", "--data", Sample.smallValid, "--checkpoint", "best"
      ).status == 0)
  }

  private struct Digest: Decodable {
    // swift-format-ignore: AlwaysUseLowerCamelCase
    var parameter_digest: String
  }
}
