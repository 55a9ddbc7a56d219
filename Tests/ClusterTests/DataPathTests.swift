import Foundation
import Testing

/// Data in all their forms, through real clusters.
@Suite(.serialized)
struct DataPathTests {
  private static let data = ["--train", Sample.small, "--valid", Sample.smallValid]

  private static func shell(_ command: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", command]
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Tool.Failure(text: command) }
  }

  @Test("Text, compressed text, packed rows and a cache train to the same bits")
  func forms() throws {
    let tool = try Tool()
    let directory = tool.directory
    let reference = try tool.train(Self.data + Sample.tiny)
    try Self.shell("gzip -c \(Sample.small) > \(directory)/a.gz && gzip -c \(Sample.smallValid) > \(directory)/v.gz")
    for (arguments, out) in [
      (["pack", Sample.small], "a.pack"), (["pack", Sample.smallValid, "--like", directory + "/a.pack"], "v.pack"),
    ] {
      let ended = try tool.run(arguments + ["--out", "\(directory)/\(out)"])
      #expect(ended.status == 0 && ended.output.contains("rows of 39 fields"), "\(ended.errors)")
    }
    for flags in [
      Self.data + ["--cache"], Self.data + ["--readers", "3"],
      ["--train", directory + "/a.pack", "--valid", directory + "/v.pack"],
      ["--train", directory + "/a.pack", "--valid", Sample.smallValid],
      ["--train", directory + "/a.gz", "--valid", directory + "/v.gz", "--schema", "criteo"],
    ] {
      let result = try tool.train(flags + Sample.tiny)
      #expect(result.parameterDigest == reference.parameterDigest && result.auc == reference.auc, "\(flags)")
    }
  }

  @Test("Workers with files of their own train on every row, however many they are", arguments: [1, 2, 4])
  func localData(workers: Int) throws {
    let tool = try Tool()
    try Self.shell("mkdir \(tool.directory)/data && split -n l/4 \(Sample.small) \(tool.directory)/data/part-")
    let result = try tool.train(
      ["--train", tool.directory + "/data", "--valid", Sample.smallValid, "--data", "local", "--workers", "\(workers)"]
        + Sample.tiny)
    #expect(result.rows == 2 * 7777 && result.auc! > 0.55)
    let again = try tool.train(
      [
        "--train", tool.directory + "/data/part-*", "--valid", Sample.smallValid, "--data", "local", "--workers",
        "\(workers)",
      ]
        + Sample.tiny + ["--servers", "1"])
    #expect(again.parameterDigest == result.parameterDigest)
  }

  @Test("Workers started elsewhere name their files; who has none of those wanted ends the run with a sentence")
  func namedFiles() throws {
    let tool = try Tool()
    let directory = tool.directory
    try Self.shell("split -n l/2 \(Sample.small) \(directory)/part- && cp \(Sample.smallValid) \(directory)/valid")
    for (second, isWhole) in [("part-ab", true), ("nothing", false)] {
      // Below the ports that outgoing connections take.
      let endpoint = "tcp://127.0.0.1:\(20_000 + Int.random(in: 0..<12_000))"
      _ = try? "".write(toFile: directory + "/nothing", atomically: true, encoding: .utf8)
      let others = try [
        ["server"], ["worker", "--files", directory + "/part-aa", directory + "/valid"],
        ["worker", "--files", "\(directory)/\(second)", directory + "/valid"],
      ].map { try tool.start($0 + ["--coordinator", endpoint, "--timeout", "60"]) }
      let coordinator = try tool.start(
        [
          "coordinator", "--listen", endpoint, "--train", "part-*", "--valid", "valid", "--data", "local", "--servers",
          "1",
          "--run-dir", "\(directory)/run-\(second)", "--json",
        ] + Sample.tiny)
      let ended = try coordinator.wait(seconds: 120)
      if isWhole {
        #expect(ended.status == 0, "\(ended.errors)")
        let result = try JSONDecoder().decode(Tool.Result.self, from: Data(ended.output.utf8))
        #expect(result.rows == 2 * 7777)
      } else {
        #expect(
          ended.status == 2 && ended.errors.contains("worker-1 has none of the training files"), "\(ended.errors)")
      }
      for other in others { _ = try other.wait(seconds: 20) }
    }
  }

  @Test("Admission by count comes to the same bits for other servers and workers, and is kept for scoring")
  func admission() throws {
    let tool = try Tool()
    let flags = Self.data + Sample.tiny + ["--admit-after", "6"]
    let one = try tool.train(flags + ["--servers", "1", "--workers", "1"], into: "one")
    for other in [["--servers", "3"], ["--workers", "3"], ["--threads", "3"], ["--sync-reading"], ["--cache"]] {
      #expect(try tool.train(flags + other).parameterDigest == one.parameterDigest, "\(other)")
    }
    #expect(try tool.train(Self.data + Sample.tiny).parameterDigest != one.parameterDigest)
    let evaluated = try tool.run(
      ["evaluate", "--json", "--run-dir", tool.directory + "/one", "--data", Sample.smallValid, "--servers", "2"])
    #expect(evaluated.output.contains("\"auc\":\(one.auc!)"), "\(evaluated.output) \(evaluated.errors)")
    let fnn = try tool.train(flags + ["--model", "fnn"])
    #expect(
      try tool.train(flags + ["--model", "fnn", "--servers", "3", "--workers", "3"]).parameterDigest
        == fnn.parameterDigest)
  }

  @Test("A run keeps its schema, statistics and vocabulary: scoring needs no flags, and the files may be gone")
  func keptEncoding() throws {
    let tool = try Tool()
    let directory = tool.directory
    var text = "user;age;rating;tags\n"
    for row in 0..<3000 {
      text += "u\(row % 70);\(row % 9 == 0 ? "" : "\(row % 50 - 5)");\(row % 70 % 6);t\(row % 7)|t\(row % 3)\n"
    }
    try text.write(toFile: directory + "/a.csv", atomically: true, encoding: .utf8)
    try """
    format: csv
    separator: ";"
    label: rating >= 3
    fields:
      - user
      - {name: age, type: numeric, transform: standardise, missing: mean}
      - {name: tags, type: multi-valued}
    """.write(toFile: directory + "/schema.yaml", atomically: true, encoding: .utf8)
    let built = try tool.run(
      "vocab", "build", directory + "/a.csv", "--schema", directory + "/schema.yaml", "--min-count", "43", "--out",
      directory + "/vocab.sqlite")
    #expect(built.status == 0 && built.output.contains("user"), "\(built.errors)")
    let result = try tool.train(
      [
        "--schema", directory + "/schema.yaml", "--train", directory + "/a.csv", "--valid", directory + "/a.csv",
        "--vocab", directory + "/vocab.sqlite", "--batch", "128", "--epochs", "2", "--hidden", "8", "--lr", "0.02",
        "--timeout", "60",
      ], into: "run")
    #expect(result.rows == 6000 && result.auc! > 0.8)
    for file in ["schema.yaml", "vocab.sqlite"] { try FileManager.default.removeItem(atPath: "\(directory)/\(file)") }
    let ended = try tool.run("evaluate", "--json", "--run-dir", directory + "/run", "--data", directory + "/a.csv")
    #expect(ended.status == 0 && ended.output.contains("\"auc\":\(result.auc!)"), "\(ended.output) \(ended.errors)")
    let kept = try String(contentsOfFile: directory + "/run/schema.yaml", encoding: .utf8)
    #expect(
      kept.contains("rating >= 3") && FileManager.default.fileExists(atPath: directory + "/run/vocabulary.sqlite"))
    try FileManager.default.removeItem(atPath: directory + "/run/vocabulary.sqlite")
    let lost = try tool.run("evaluate", "--run-dir", directory + "/run", "--data", directory + "/a.csv")
    #expect(lost.status == 1 && lost.errors.contains("vocabulary.sqlite does not exist"))
  }

  @Test("Bad rows end a run, or are skipped, counted and left empty among the predictions")
  func badRows() throws {
    let tool = try Tool()
    var lines = try String(contentsOfFile: Sample.smallValid, encoding: .utf8).split(separator: "\n").map(String.init)
    lines[5] = "nonsense"
    lines[100] = "1\t2"
    let file = tool.directory + "/bad.txt"
    try lines.joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
    let failed = try tool.run(["train", "--train", file, "--run-dir", tool.directory + "/x"] + Sample.tiny)
    #expect(failed.status == 1 && failed.errors.contains("bad.txt:6: expected 40 tab-separated columns, found 1."))
    #expect(failed.errors.contains("--bad-rows skip"))
    let result = try tool.train(["--train", file, "--bad-rows", "skip"] + Sample.tiny, into: "run")
    #expect(result.rows == 2 * 1232)
    let few = try tool.run(
      ["train", "--train", file, "--bad-rows", "skip", "--max-bad-rows", "1", "--run-dir", tool.directory + "/y"]
        + Sample.tiny)
    #expect(
      few.status == 1 && few.errors.contains("more than 1 rows are bad, the first: ")
        && few.errors.contains("bad.txt:6"))
    let out = tool.directory + "/p.txt"
    let predicted = try tool.run(
      "predict", "--run-dir", tool.directory + "/run", "--data", file, "--bad-rows", "skip", "--out", out)
    #expect(predicted.status == 0 && predicted.errors.contains("skipped 2 bad rows"), "\(predicted.errors)")
    let probabilities = try String(contentsOfFile: out, encoding: .utf8).split(
      separator: "\n", omittingEmptySubsequences: false)
    #expect(probabilities.count == 1235 && probabilities[5].isEmpty && probabilities[100].isEmpty)
    #expect(probabilities.count { $0.isEmpty } == 3, "two rows, and what follows the last line")
  }

  @Test("A damaged pack ends training with the block's name, or is skipped and counted")
  func damagedPack() throws {
    let tool = try Tool()
    let pack = tool.directory + "/a.pack"
    #expect(try tool.run("pack", Sample.small, "--out", pack).status == 0)
    try Self.shell("printf x | dd of=\(pack) bs=1 seek=200000 conv=notrunc 2>/dev/null")
    let failed = try tool.run(["train", "--train", pack, "--run-dir", tool.directory + "/x"] + Sample.tiny)
    #expect(failed.status == 1 && failed.errors.contains("is damaged: its checksum is wrong. Pack the data again"))
    let result = try tool.train(["--train", pack, "--bad-rows", "skip"] + Sample.tiny)
    #expect(result.rows < 2 * 7777 && result.rows > 2 * 7000)
  }

  @Test(
    "schema, split, vocab and pack say what is wrong with what they are asked",
    arguments: [
      (["schema", "show", "critoe"], 2, "did you mean \"criteo\"?"),
      (["schema", "infer", "none.csv"], 1, "none.csv: no such file"),
      (["split", "none.txt", "--random", "9:1", "--out", "a", "b"], 1, "none.txt: no such file"),
      (["split", "x", "--random", "9:1", "--out", "a"], 2, "2 parts need as many files"),
      (["split", "x", "--random", "9", "--out", "a"], 2, "9"),
      (["split", "x", "--out", "a", "b"], 2, "Choose one of --random, --sequential and --time"),
      (["split", "x", "--random", "9:1", "--sequential", "9:1", "--out", "a", "b"], 2, "Choose one of"),
      (["split", "x", "--sequential", "9:1", "--by", "u", "--out", "a", "b"], 2, "--by goes with --random"),
      (["vocab", "build", "none.txt", "--out", "v"], 1, "none.txt: no such file"),
      (["vocab", "build", "x", "--min-count", "0", "--out", "v"], 2, "--min-count: 0 cannot be used"),
      (["split", "x", "--random", "9:1", "--out", "x", "b"], 2, "which it would replace"),
      (["pack", "./x", "--out", "x"], 2, "which it would replace"),
      (["pack", "none.txt", "--out", "p"], 1, "none.txt: no such file"),
      (["pack", "x", "--like", "none", "--out", "p"], 1, "none: no such file"),
      (["train", "--train", "x", "--schema", "crteo"], 2, "did you mean \"criteo\"?"),
      (["train", "--train", "x", "--separator", "ab"], 2, "choose one ASCII character"),
      (["train", "--train", "x", "--bad-rows", "ignore"], 2, "there is no \"ignore\""),
      (["train", "--train", "x", "--admit-after", "0"], 2, "admit-after: 0 cannot be used"),
      (["train", "--train", "x", "--vocab", "none.sqlite", "--format", "libfm"], 1, "x: no such file"),
    ])
  func mistakes(arguments: [String], status: Int32, says: String) throws {
    let ended = try Tool().run(arguments)
    #expect(
      ended.status == status && ended.errors.contains(says) && ended.output.isEmpty, "\(arguments): \(ended.errors)")
  }

  @Test("split prints what became of the rows, and schema what there is")
  func printing() throws {
    let tool = try Tool()
    let ended = try tool.run(
      "split", Sample.small, "--random", "9:1", "--seed", "3", "--out", tool.directory + "/a", tool.directory + "/b")
    #expect(ended.status == 0 && ended.output.contains("rows") && ended.output.contains("clicks"))
    try Self.shell("cat \(tool.directory)/a \(tool.directory)/b | sort | cmp - <(sort \(Sample.small))")
    #expect(try tool.run("schema", "show", "movielens").output.contains("genres"))
    #expect(try tool.run("schema", "list").output.split(separator: "\n").count == 8)
    let inferred = try tool.run("schema", "infer", Sample.small)
    #expect(inferred.output.contains("format: criteo") && inferred.errors.contains("rows looked at"))
  }

  @Test(
    "MovieLens trains on its past and is tested on its future, genres and all",
    .enabled(if: Sample.shared != nil, "../shared/data is not here"))
  func movielens() throws {
    let tool = try Tool()
    let split = try tool.run(
      "split", Sample.shared! + "/movielens-100k/train.csv.gz", "--schema", "movielens", "--sequential", "6:1", "--out",
      tool.directory + "/train.csv", tool.directory + "/test.csv")
    #expect(split.output.contains("72,857") && split.output.contains("12,143"), "\(split.output)")
    let result = try tool.train([
      "--schema", "movielens", "--train", tool.directory + "/train.csv", "--valid", tool.directory + "/test.csv",
      "--batch", "512", "--epochs", "2", "--hidden", "64,64", "--timeout", "60",
    ])
    #expect(result.rows == 2 * 72_857 && result.auc! > 0.70, "\(result.auc!)")
  }

  @Test("A model of some of the rows without a click predicts for all of them, wherever it is asked")
  func negativeRate() throws {
    let tool = try Tool()
    var calibrations: [Double] = []
    struct Report: Decodable {
      var calibration: Double
      var auc: Double
    }
    var digests: Set<String> = []
    for (name, flags) in [
      ("whole", []), ("some", ["--negative-rate", "0.2"]),
      ("more", ["--negative-rate", "0.2", "--servers", "3", "--workers", "1"]),
    ] {
      let trained = try tool.train(
        ["--train", Sample.train, "--valid", Sample.valid, "--model", "lr", "--epochs", "2", "--batch", "256"] + flags,
        into: name)
      for scoring in [[], ["--servers", "2"]] {
        let ended = try tool.run(
          ["evaluate", "--run-dir", tool.directory + "/" + name, "--data", Sample.valid, "--json"] + scoring)
        let report = try JSONDecoder().decode(Report.self, from: Data(ended.output.utf8))
        calibrations.append(report.calibration)
        #expect(report.auc == trained.auc)
      }
      if name != "whole" { digests.insert(trained.parameterDigest) }
    }
    // Uncorrected it would predict clicks several times as often as they are.
    #expect(calibrations.allSatisfy { 0.8...1.2 ~= $0 }, "\(calibrations)")
    #expect(digests.count == 1)
    // What it puts on the logits leaves with it.
    let (run, file) = (tool.directory + "/some", tool.directory + "/m.safetensors")
    #expect(try tool.run("export", run, "--slim", "--to", file).status == 0)
    var texts: Set<String> = []
    for (number, model) in [run, file].enumerated() {
      let out = "\(tool.directory)/\(number).out"
      #expect(try tool.run("predict", "--run-dir", model, "--data", Sample.smallValid, "--out", out).status == 0)
      texts.insert(try String(contentsOfFile: out, encoding: .utf8))
    }
    #expect(texts.count == 1)
  }
}
