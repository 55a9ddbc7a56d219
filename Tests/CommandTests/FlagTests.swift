import ArgumentParser
import Foundation
import Job
import Testing

@testable import Command

struct FlagTests {
  @Test("Flags override the file")
  func flags() throws {
    let path = FileManager.default.temporaryDirectory.path + "/job-\(UUID().uuidString).yaml"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try "train: [a]\nepochs: 7\nkeep: 0.9\n".write(toFile: path, atomically: true, encoding: .utf8)
    let options = try JobOptions.parse(["--config", path, "--epochs", "2", "--hidden", "8,4", "--valid", "v1", "v2"])
    let settings = try options.settings()
    #expect(settings.data.train == ["a"] && settings.data.valid == ["v1", "v2"])
    #expect(settings.optimization.epochs == 2 && settings.model.keep == 0.9 && settings.model.hidden == [8, 4])
    #expect(throws: (any Error).self) { try JobOptions.parse(["--hidden", "8,x"]) }
  }

  @Test("Every key of the file is a flag, and the other way round")
  func keysAndFlags() {
    let help = JobOptions.helpMessage(includeHidden: true, columns: 200)
    let keys = Set(Settings.keys)
    for key in keys { #expect(help.contains("--\(key) ") || help.contains("--\(key)\n"), "\(key)") }
    let flags = help.split(whereSeparator: { $0 == " " || $0 == "\n" }).filter { $0.hasPrefix("--") }.map {
      $0.dropFirst(2)
    }
    #expect(
      Set(flags.map(String.init)).subtracting(keys).isSubset(of: [
        "config", "help", "version", "decay-steps", "decay-factor.",
      ]))
  }

  @Test("Every flag takes its setting's value to where it belongs")
  func everyFlag() throws {
    let settings = try JobOptions.parse([
      "--train", "a", "--valid", "b", "--schema", "s", "--format", "csv", "--separator", ";", "--vocab", "v",
      "--admit-after", "2", "--evict", "unseen:1.5", "--evict-every", "7", "--negative-rate", "0.5", "--bad-rows",
      "skip", "--max-bad-rows", "3",
      "--cache", "--data", "local", "--readers", "4",
      "--sync-reading", "--model", "fm", "--embedding", "5", "--hidden", "6", "--activation", "tanh", "--keep", "0.7",
      "--initialization", "he", "--embedding-deviation", "0.8", "--l2", "0.9", "--start-from", "m", "--start-tables",
      "dense", "--arithmetic", "fp32", "--epochs", "10",
      "--batch", "11", "--slices", "12", "--lr", "0.13", "--optimizer", "sgd", "--dense-optimizer", "adagrad",
      "--schedule", "cosine", "--warm-up", "14", "--decay-factor", "0.15", "--decay-steps", "16", "--lr-scaling",
      "linear", "--weight-decay", "0.17", "--dense-l2", "0.18", "--ftrl-alpha", "0.19", "--ftrl-beta", "0.2",
      "--ftrl-l2", "0.21", "--l1", "0.22", "--clip", "0.23", "--patience", "24", "--best-by", "auc", "--seed", "25",
      "--servers", "26",
      "--workers", "27:40", "--replicas", "1", "--threads", "28", "--speculate", "--consistency", "lag:3",
      "--dense-consistency", "sync", "--timeout", "29",
      "--coordinator-timeout", "30", "--wait-for-data", "31", "--checkpoint-every", "32steps", "--keep-checkpoints",
      "33", "--keep-best", "false", "--shard-dir", "/s", "--wire", "fp32",
      "--run-dir", "d",
    ]).settings()
    let expected = try ConfigurationFile.parse(
      """
      {train: [a], valid: [b], schema: s, format: csv, separator: ";", vocab: v, admit-after: 2, evict: "unseen:1.5", evict-every: 7, negative-rate: 0.5, bad-rows: skip,
      max-bad-rows: 3, cache: true, data: local, readers: 4, sync-reading: true, model: fm, embedding: 5, hidden: [6],
      activation: tanh, keep: 0.7, initialization: he, embedding-deviation: 0.8, l2: 0.9, start-from: m, start-tables: dense, arithmetic: fp32, epochs: 10,
      batch: 11, slices: 12, lr: 0.13, optimizer: sgd, dense-optimizer: adagrad, schedule: cosine, warm-up: 14,
      decay-factor: 0.15, decay-steps: 16, lr-scaling: linear, weight-decay: 0.17, dense-l2: 0.18, ftrl-alpha: 0.19,
      ftrl-beta: 0.2, ftrl-l2: 0.21, l1: 0.22, clip: 0.23, patience: 24, best-by: auc, seed: 25, servers: 26, workers: 27,
      max-workers: 40, replicas: 1, threads: 28, speculate: true, consistency: "lag:3",
      dense-consistency: sync, timeout: 29, coordinator-timeout: 30,
      wait-for-data: 31, checkpoint-every: 32steps, keep-checkpoints: 33, keep-best: false, shard-dir: /s, wire: fp32, run-dir: d}
      """, file: "all")
    #expect(settings == expected)
  }

  @Test("Workers are a number, or the least and the most", arguments: ["", "2:", ":8", "2:8:9", "x", "2:x"])
  func workers(text: String) throws {
    #expect(throws: (any Error).self) { try JobOptions.parse(["--workers", text]) }
    #expect(try JobOptions.parse(["--workers", "3"]).settings().cluster.mostWorkers == nil)
    let both = try JobOptions.parse(["--workers", "3:5", "--max-workers", "9"]).settings().cluster
    #expect(both.workers == 3 && both.mostWorkers == 9)
  }

  @Test("Names that are none are answered with those that there are")
  func names() {
    for flags in [["--consistency", "lag:0"], ["--checkpoint-every", "often"], ["--model", "deepfm"]] {
      #expect(throws: (any Error).self) { try JobOptions.parse(flags) }
    }
  }

  @Test("Flags are laid over the settings of a run that goes on, and so is a file")
  func overlay() throws {
    let path = FileManager.default.temporaryDirectory.path + "/job-\(UUID().uuidString).yaml"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try "epochs: 7\n".write(toFile: path, atomically: true, encoding: .utf8)
    var settings = Settings()
    settings.data.train = ["a"]
    settings.model.keep = 0.9
    try JobOptions.parse(["--config", path, "--servers", "5"]).lay(over: &settings)
    #expect(settings.data.train == ["a"] && settings.model.keep == 0.9)
    #expect(settings.optimization.epochs == 7 && settings.cluster.servers == 5)
  }

  @Test("Help says what the defaults are")
  func help() {
    let help = JobOptions.helpMessage(columns: 2000)
    let defaults = Settings()
    for text in [
      "over all workers. Default: \(defaults.optimization.batch).", "Default: 400,400,400.", "Default: 1e-05.",
      "Default: 0.001.", "Default: deepfm-d.", "Default: 20.", "Default: 0, never.", "Default: sync.",
    ] { #expect(help.contains(text), "\(text)") }
  }

  @Test("A silence or a number of threads that no run can have is refused", arguments: ["nan", "inf", "1e30", "0"])
  func silence(seconds: String) throws {
    let options = try RoleOptions.parse(["--timeout", seconds])
    let error = #expect(throws: ConfigurationError.self) { try options.patience() }
    #expect(error?.description.hasPrefix("timeout: ") == true)
    let sound = try RoleOptions.parse(["--timeout", "5", "--coordinator-timeout", "60"])
    #expect(try sound.patience() == (.seconds(5), .seconds(60)))
    #expect(throws: ConfigurationError.self) { try sound.patience(threads: -1) }
  }
}
