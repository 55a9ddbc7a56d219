import Foundation
import Testing

/// Runs that start from other runs' parameters.
@Suite(.serialized)
struct StartTests {
  private static let data = ["--train", Sample.small, "--valid", Sample.smallValid]

  private static func evaluate(_ tool: Tool, _ model: String) throws -> [Double] {
    struct Report: Decodable {
      let auc: Double
      let logloss: Double
    }
    let ended = try tool.run("evaluate", "--run-dir", model, "--data", Sample.smallValid, "--json")
    let report = try JSONDecoder().decode(Report.self, from: Data(ended.output.utf8))
    return [report.auc, report.logloss]
  }

  @Test("A run, and the file of it, are started from alike: where the other ended, on any cluster, and gone on with")
  func whole() throws {
    let tool = try Tool()
    let first = try tool.train(Self.data + Sample.tiny, into: "first")
    let (run, file) = (tool.directory + "/first", tool.directory + "/first.safetensors")
    #expect(try tool.run("export", run, "--to", file).status == 0)
    // A step of hardly any length leaves it as it was.
    let still = Self.data + Sample.tiny + ["--lr", "1e-9", "--epochs", "1", "--keep", "1"]
    let wanted = try Self.evaluate(tool, run)
    for (number, source) in [run, file].enumerated() {
      let second = try tool.train(still + ["--start-from", source], into: "still-\(number)")
      #expect(abs(try #require(second.auc) - wanted[0]) < 1e-5)
      #expect(abs(try #require(second.logloss) - wanted[1]) < 1e-5)
    }
    // What lies behind the last parameter of a layer is in digests, and not in files.
    var (digests, metrics): (Set<String>, Set<[Double?]>) = ([], [])
    for (source, servers, workers) in [(run, 1, 1), (file, 3, 2), (run, 2, 2), (file, 1, 1)] {
      let flags = ["--start-from", source, "--servers", "\(servers)", "--workers", "\(workers)"]
      let ended = try tool.train(Self.data + Sample.tiny + flags)
      digests.insert(ended.parameterDigest)
      metrics.insert([ended.auc, ended.logloss])
      #expect(ended.parameterDigest != first.parameterDigest)
    }
    #expect(digests.count == 2 && metrics.count == 1)
    let going = tool.directory + "/still-1"
    let resumed = try tool.run("train", "--json", "--resume", going, "--epochs", "2")
    #expect(resumed.status == 0, "\(resumed.errors)")
  }

  @Test("Features alone, or layers alone, are taken from a model of other layers or vectors; what does not fit is told")
  func tables() throws {
    let tool = try Tool()
    _ = try tool.train(Self.data + Sample.tiny + ["--epochs", "3"], into: "first")
    let run = tool.directory + "/first"
    let fresh = try tool.train(Self.data + Sample.tiny + ["--hidden", "12"])
    let warm = try tool.train(
      Self.data + Sample.tiny + ["--hidden", "12", "--start-from", run, "--start-tables", "sparse"])
    #expect(try #require(warm.logloss) < #require(fresh.logloss), "it begins with vectors that know something")
    let fm = try tool.train(
      Self.data + Sample.tiny + ["--model", "fm", "--start-from", run, "--start-tables", "sparse"])
    #expect(fm.model == "fm")
    for (flags, says) in [
      (["--embedding", "5"], "its features have weight 1, vector 4, this model's weight 1, vector 5"),
      (["--hidden", "12"], "--start-tables sparse"), (["--model", "lr"], "its features have"),
    ] {
      let ended = try tool.run(["train"] + Self.data + Sample.tiny + flags + ["--start-from", run])
      #expect(ended.status == 2 && ended.errors.contains(says), "\(ended.errors)")
    }
    #expect(try tool.run(["train"] + Self.data + ["--start-from", "/none"]).status == 1)
  }

  @Test("A model with a vocabulary is started from with that vocabulary: its run's own, or the one that is named")
  func vocabulary() throws {
    let tool = try Tool()
    let (path, other) = (tool.directory + "/vocabulary.sqlite", tool.directory + "/other.sqlite")
    for (name, least) in [(path, "3"), (other, "5")] {
      #expect(try tool.run("vocab", "build", Sample.small, "--min-count", least, "--out", name).status == 0)
    }
    _ = try tool.train(Self.data + Sample.tiny + ["--vocab", path], into: "first")
    let (run, file) = (tool.directory + "/first", tool.directory + "/first.safetensors")
    #expect(try tool.run("export", run, "--to", file).status == 0)
    let wanted = try tool.train(Self.data + Sample.tiny + ["--start-from", run])
    let named = try tool.train(Self.data + Sample.tiny + ["--start-from", file, "--vocab", path])
    #expect(named.auc == wanted.auc && named.logloss == wanted.logloss && named.auc != nil)
    for (flags, says) in [([], "name it"), (["--vocab", other], "holds the vocabulary")] {
      let ended = try tool.run(["train"] + Self.data + Sample.tiny + ["--start-from", file] + flags)
      #expect(ended.status != 0 && ended.errors.contains(says), "\(ended.errors)")
    }
  }
}
