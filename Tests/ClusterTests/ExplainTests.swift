import Foundation
import Testing

/// What `predict` says beside probabilities.
@Suite(.serialized)
struct ExplainTests {
  @Test(
    "Of an FM's logits nothing is left beside bias, order 1 and order 2; of an LR's nothing beside bias and order 1",
    arguments: ["fm", "lr"])
  func shares(model: String) throws {
    let tool = try Tool()
    _ = try tool.train(
      ["--train", Sample.small, "--model", model, "--lr", "0.05", "--admit-after", "3"] + Sample.tiny, into: "run")
    let ended = try tool.run(
      "predict", "--run-dir", tool.directory + "/run", "--data", Sample.smallValid, "--out", tool.directory + "/out",
      "--explain", "40")
    #expect(ended.status == 0, "\(ended.errors)")
    let sums = ended.output.split(separator: "\n").filter { $0.hasPrefix("row ") }
    #expect(sums.count == 40)
    let probabilities = try String(contentsOfFile: tool.directory + "/out", encoding: .utf8).split(separator: "\n")
    for (number, line) in sums.enumerated() {
      #expect(line.contains("deep +0.0000") || line.contains("deep -0.0000"), "\(line)")
      #expect(line.contains("order 2 +0.0000") == (model == "lr"), "\(line)")
      let said = line.split(separator: " ").last.flatMap { Float($0) }
      #expect(abs(try #require(said) - Float(probabilities[number])!) < 1e-6)
    }
    #expect(ended.output.contains("order 1  order 2"))
  }

  @Test("Columns are passed through as CSV, skipped rows leave empty lines, and what has no columns is told so")
  func columns() throws {
    let tool = try Tool()
    let rows = (0..<300).map { "\($0 % 3 == 0 ? 1 : 0),\"user, \($0)\",\($0 % 7),\"say \"\"\($0 % 5)\"\"\"" }
    let (train, new) = (tool.directory + "/train.csv", tool.directory + "/new.csv")
    try ("click,user,age,what\n" + rows.joined(separator: "\n") + "\n").write(
      toFile: train, atomically: true, encoding: .utf8)
    try "click,user,age,what\n1,ann,3,x\n1,bad\n0,\"b, c\",,\"a \"\"b\"\"\"\n".write(
      toFile: new, atomically: true, encoding: .utf8)
    let schema = tool.directory + "/schema.yaml"
    try """
    format: csv
    label: click
    ignore: [user]
    fields:
      - {name: age, type: numeric, transform: log1p}
      - what
    """.write(toFile: schema, atomically: true, encoding: .utf8)
    _ = try tool.train(["--train", train, "--schema", schema, "--model", "fm"] + Sample.tiny, into: "run")
    func predict(_ flags: [String]) throws -> (Tool.Ended, String) {
      let out = tool.directory + "/\(UUID().uuidString)"
      let ended = try tool.run(
        ["predict", "--run-dir", tool.directory + "/run", "--data", new, "--bad-rows", "skip", "--out", out] + flags)
      return (ended, (try? String(contentsOfFile: out, encoding: .utf8)) ?? "")
    }
    let plain = try predict([]).1.split(separator: "\n", omittingEmptySubsequences: false)
    let (ended, text) = try predict(["--columns", "user, what"])
    #expect(ended.status == 0 && plain.count == 4 && plain[1].isEmpty)
    #expect(text == "user,what,probability\nann,x,\(plain[0])\n\n\"b, c\",\"a \"\"b\"\"\",\(plain[2])\n", "\(text)")
    let (unknown, _) = try predict(["--columns", "users"])
    #expect(unknown.status == 1 && unknown.errors.contains("no column \"users\". Is it \"user\"?"))
  }
}
