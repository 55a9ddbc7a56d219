import Foundation
import Testing

/// Files as people have them, through the tool: inferred, trained on, and predicted without labels.
@Suite(.serialized)
struct LayoutTests {
  private static func row(_ number: Int) -> (label: Int, user: String, price: Double, tags: String) {
    let user = number &* 2_654_435_761 % 97
    return (
      (number &* 40_503 % 11) + user % 5 > 8 ? 1 : 0, "u\(user)", Double(number % 40) / 4,
      ["a", "b|c", "", "a|d"][number % 4]
    )
  }

  @Test(
    "What is inferred trains, and predicts the same for rows without labels, in another order, among others, on a cluster"
  )
  func wholeWay() throws {
    let tool = try Tool()
    func write(_ name: String, _ header: String, _ rows: Range<Int>, _ line: (Int) -> String) throws -> String {
      let path = tool.directory + "/" + name
      try (header + "\r\n" + rows.map { line($0) + "\r\n" }.joined()).write(
        toFile: path, atomically: true, encoding: .utf8)
      return path
    }
    let train = try write("train.csv", ",bought,user,price,tags", 0..<2000) { number in
      let row = Self.row(number)
      return "\(number),\(row.label == 1 ? "buy" : "look"),\(row.user),\(row.price),\(row.tags)"
    }
    let inferred = try tool.run("schema", "infer", train)
    let schema = tool.directory + "/schema.yaml"
    try inferred.output.write(toFile: schema, atomically: true, encoding: .utf8)
    #expect(inferred.output.contains("# label: that bought is the label is a guess"), "\(inferred.output)")
    #expect(inferred.output.contains("positive: buy"), "\(inferred.output)")
    _ = try tool.train(["--train", train, "--schema", schema] + Sample.tiny, into: "run")
    let run = tool.directory + "/run"
    let files = try [
      train,
      write("new.csv", "price,extra,tags,user", 0..<2000) { number in
        let row = Self.row(number)
        return "\(row.price),x\(number),\(row.tags),\(row.user)"
      },
      write("wild.csv", "user,bought,tags,price", 0..<2000) { number in
        let row = Self.row(number)
        return "\(row.user),?,\(row.tags),\(row.price)"
      },
    ]
    var texts: Set<String> = []
    for (number, file) in files.enumerated() {
      for flags in [[], ["--servers", "2", "--workers", "2"]] {
        let out = "\(tool.directory)/\(number).out"
        let ended = try tool.run(["predict", "--run-dir", run, "--data", file, "--out", out] + flags)
        #expect(ended.status == 0, "\(ended.errors)")
        texts.insert(try String(contentsOfFile: out, encoding: .utf8))
      }
    }
    #expect(texts.count == 1 && texts.first!.split(separator: "\n").count == 2000)
    let named = try tool.run(
      "predict", "--run-dir", run, "--data", files[1], "--columns", "extra,user", "--out", tool.directory + "/named")
    #expect(named.status == 0, "\(named.errors)")
    #expect(
      try String(contentsOfFile: tool.directory + "/named", encoding: .utf8).hasPrefix(
        "extra,user,probability\nx0,u0,0."))

    let lacking = try write("lacking.csv", "user,price", 0..<3) { _ in "u1,2" }
    let refused = try tool.run("predict", "--run-dir", run, "--data", lacking, "--out", tool.directory + "/none")
    #expect(
      refused.status == 1 && refused.errors.contains("lacking.csv:1: there is no column \"tags\""), "\(refused.errors)")
    let far = try write("far.csv", "user,price,tags", 0..<3) { $0 == 1 ? "u1,1e30,a" : "u1,2,a" }
    let clipped = try tool.run("predict", "--run-dir", run, "--data", far, "--out", tool.directory + "/far")
    #expect(clipped.status == 0 && clipped.errors.contains("the nearest that does not: 1 of them"), "\(clipped.errors)")
    #expect(try !String(contentsOfFile: tool.directory + "/far", encoding: .utf8).contains("nan"))
    let evaluated = try tool.run("evaluate", "--run-dir", run, "--data", lacking)
    #expect(evaluated.status == 1 && evaluated.errors.contains("there is no column"), "\(evaluated.errors)")
  }

  @Test("Data of one class are warned of; a label that was not understood ends what skips bad rows")
  func labels() throws {
    let tool = try Tool()
    func file(_ name: String, _ label: (Int) -> String) throws -> String {
      let path = tool.directory + "/" + name
      let text = "label,x\n" + (0..<200).map { "\(label($0)),x\($0 % 7)\n" }.joined()
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      return path
    }
    let one = try file("one.csv") { _ in "1" }
    let trained = try tool.run(
      ["train", "--json", "--schema", "csv", "--train", one, "--valid", one, "--run-dir", tool.directory + "/one"]
        + Sample.tiny)
    #expect(trained.status == 0 && trained.output.contains("\"auc\":null"), "\(trained.output)")
    #expect(trained.errors.contains("note of the training data: all 200 rows have the label 1"), "\(trained.errors)")
    let twos = try file("twos.csv") { "\(1 + $0 % 2)" }
    let refused = try tool.run(
      ["train", "--schema", "csv", "--bad-rows", "skip", "--train", twos, "--run-dir", tool.directory + "/two"]
        + Sample.tiny)
    #expect(
      refused.status == 1 && refused.errors.contains("100 of the first 200 rows are bad, too many to skip"),
      "\(refused.errors)")
  }
}
