import Foundation
import Testing

/// What a run came to, for a person.
@Suite(.serialized)
struct InspectTests {
  @Test("An inspection tells of model, epochs, checkpoints, fields, rows and neurons, and of one feature")
  func report() throws {
    let tool = try Tool()
    let data = ["--train", Sample.small, "--valid", Sample.smallValid]
    _ = try tool.train(data + Sample.tiny + ["--evict", "unseen:0.5"], into: "run")
    let run = tool.directory + "/run"
    let plain = try tool.run("inspect", run, "--data", Sample.smallValid)
    #expect(plain.status == 0, "\(plain.errors)")
    for text in [
      "deepfm-d: 39 fields, vectors of 4, hidden layers 16-8, relu", "batch 512", "1  7,777", "2 *  7,777",
      "train logloss  █▁", "stands on", "hidden layer 1: ", "of 8 neurons", "updates",
    ] { #expect(plain.output.contains(text), "\(text) in \(plain.output)") }

    let vocabulary = tool.directory + "/vocabulary.sqlite"
    #expect(try tool.run("vocab", "build", Sample.small, "--min-count", "1", "--out", vocabulary).status == 0)
    let named = try tool.run("inspect", run, "--vocab", vocabulary)
    #expect(named.output.contains("C7 ") && !named.output.contains("(unknown)"), "\(named.output)")
    let row = try String(contentsOfFile: Sample.small, encoding: .utf8).prefix { $0 != "\n" }
    let value = row.split(separator: "\t", omittingEmptySubsequences: false)[20]
    let found = try tool.run("inspect", run, "--vocab", vocabulary, "--key", "C7=\(value)")
    #expect(found.status == 0 && found.output.contains("C7=\(value)") && found.output.contains("nearest in its field"))
    #expect(found.output.split(separator: "\n").filter { $0.hasPrefix("C7=") }.count == 11, "\(found.output)")
    let unnamed = try tool.run("inspect", run, "--key", "C7=\(value)")
    #expect(unnamed.status == 0 && unnamed.output.contains("parameters "))
    for (key, status, says) in [
      ("Q=1", 1, "no field \"Q\""), ("C7=none", 1, "has no row"), ("I1=x", 1, "expected a number"),
      ("C7", 2, "FIELD=VALUE"),
    ] {
      let ended = try tool.run("inspect", run, "--key", key)
      #expect(ended.status == Int32(status) && ended.errors.contains(says), "\(ended.errors)")
    }
    #expect(try tool.run("inspect", "/none").status == 1)
  }
}
