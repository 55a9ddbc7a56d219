import Foundation
import Testing

/// Lists of recommendations, and logs of A/B tests, through the tool.
@Suite(.serialized)
struct RecommendTests {
  private static func write(_ path: String, _ lines: [String]) throws {
    try (lines.joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
  }

  @Test("The best of all candidates are what predict says they are, whoever asks; and are measured by hand")
  func recommend() throws {
    let tool = try Tool()
    let folder = tool.directory
    // Users like items of their own kind.
    var train = ["label,user,age,item,kind"]
    for number in 0..<4000 {
      let (user, item) = (number &* 7919 % 40, number &* 104_729 % 60)
      train.append("\(user % 4 == item % 4 || item < 6 ? 1 : 0),u\(user),\(20 + user),i\(item),k\(item % 4)")
    }
    try Self.write(folder + "/train.csv", train)
    try Self.write(folder + "/users.csv", ["user,age,type"] + (0..<40).map { "u\($0),\(20 + $0),t\($0 % 4)" })
    try Self.write(folder + "/items.csv", ["item,kind,title"] + (0..<60).map { "i\($0),k\($0 % 4),\"Title, \($0)\"" })
    let schema = "format: csv\nlabel: label\nfields: [user, {name: age, type: numeric}, item, kind]\n"
    try schema.write(toFile: folder + "/s.yaml", atomically: true, encoding: .utf8)
    _ = try tool.train(
      ["--train", folder + "/train.csv", "--schema", folder + "/s.yaml", "--lr", "0.01"] + Sample.tiny, into: "run")
    let flags = ["recommend", folder + "/run", "--items", folder + "/items.csv"]
    let ended = try tool.run(
      flags + ["--users", folder + "/users.csv", "--group", "type", "--top", "3,5", "--out", folder + "/lists.csv"])
    #expect(ended.status == 0 && ended.errors.contains("40 lists of 5 of 60 items"), "\(ended.errors)")
    let lists = try String(contentsOfFile: folder + "/lists.csv", encoding: .utf8).split(separator: "\n")
    #expect(lists.count == 201 && lists[0] == "user,group,rank,item,probability" && lists[1].hasPrefix("u0,t0,1,i"))

    // Every pair, by predict.
    var pairs = ["kind,item,age,user"]
    for user in 0..<40 { for item in 0..<60 { pairs.append("k\(item % 4),i\(item),\(20 + user),u\(user)") } }
    try Self.write(folder + "/pairs.csv", pairs)
    let predicted = try tool.run(
      "predict", "--run-dir", folder + "/run", "--data", folder + "/pairs.csv", "--out", folder + "/pairs.out")
    #expect(predicted.status == 0, "\(predicted.errors)")
    let scores = try String(contentsOfFile: folder + "/pairs.out", encoding: .utf8).split(separator: "\n").map {
      Float($0)!
    }
    for user in 0..<40 {
      let best = (0..<60).sorted { (scores[user * 60 + $0], $1) > (scores[user * 60 + $1], $0) }.prefix(5)
      let wanted = best.enumerated().map { "u\(user),t\(user % 4),\($0 + 1),i\($1),\(scores[user * 60 + $1])" }
      #expect(Array(lists[(1 + user * 5)..<(6 + user * 5)].map(String.init)) == wanted)
    }

    let measured = try tool.run([
      "lists", folder + "/lists.csv", "--items", folder + "/items.csv", "--history", folder + "/train.csv", "--top",
      "3,5",
      "--out", folder + "/charts", "--json",
    ])
    #expect(measured.status == 0 && measured.output.split(separator: "\n").count == 2, "\(measured.errors)")
    let first = Set(
      lists.dropFirst().filter { Int($0.split(separator: ",")[2])! <= 3 }.map { $0.split(separator: ",")[3] })
    #expect(measured.output.contains("\"coverage\":\(Double(first.count) / 60),"), "\(measured.output)")
    #expect(
      ["coverage", "personalization", "popularity"].allSatisfy {
        FileManager.default.fileExists(atPath: "\(folder)/charts/\($0).svg")
      })

    // Users of types, as the paper samples them, without those pairs that were seen; the age is nobody's.
    let typed = try tool.run(
      flags + [
        "--history", folder + "/train.csv", "--types", "kind", "--groups", "3", "--per-group", "5", "--seen",
        folder + "/train.csv", "--top", "2", "--out", folder + "/typed.csv",
      ])
    #expect(typed.status == 0 && typed.errors.contains("have the columns age: missing values"), "\(typed.errors)")
    let groups = try String(contentsOfFile: folder + "/typed.csv", encoding: .utf8).split(separator: "\n").dropFirst()
      .map { $0.split(separator: ",")[1] }
    #expect(Set(groups).count == 3 && Set(groups).isSubset(of: ["k0", "k1", "k2", "k3"]), "\(groups)")
    // Whether a row was chosen is not guessed.
    let wrong = try tool.run([
      "lists", folder + "/typed.csv", "--items", folder + "/items.csv", "--history", folder + "/train.csv", "--top",
      "2",
      "--label", "kind",
    ])
    #expect(wrong.status == 1 && wrong.errors.contains("row 1: kind: expected the label 1"), "\(wrong.errors)")
    let absent = try tool.run([
      "lists", folder + "/typed.csv", "--items", folder + "/items.csv", "--history", folder + "/train.csv", "--top",
      "2",
      "--label", "lable",
    ])
    #expect(
      absent.status == 1 && absent.errors.contains("no column \"lable\", which was asked for"), "\(absent.errors)")
    let deep = try tool.run([
      "lists", folder + "/typed.csv", "--items", folder + "/items.csv", "--history", folder + "/train.csv", "--top",
      "5",
    ])
    #expect(deep.status == 2 && deep.errors.contains("Recommend with --top 5"), "\(deep.errors)")
  }

  @Test("A log of an A/B test is counted by day and group")
  func log() throws {
    let tool = try Tool()
    var lines = ["when,policy,who,click"]
    for number in 0..<4000 {
      let group = number % 2 == 0 ? "old" : "new"
      let isClick = number % (number % 2 == 0 ? 50 : 25) < 2
      lines.append(
        "2019-11-\(24 + number / 2000)T0\(number % 10):00:00.25+00:00,\(group),w\(number % 300),\(isClick ? 1 : 0)")
    }
    let path = tool.directory + "/log.csv"
    try Self.write(path, lines)
    let flags = [
      "ab", path, "--group", "policy", "--time", "when", "--user", "who", "--out", tool.directory + "/ab.svg",
    ]
    let ended = try tool.run(flags + ["--baseline", "old", "--json"])
    #expect(ended.status == 0, "\(ended.errors)")
    // Each of two days and all, of two groups and two measures.
    let found = ended.output.split(separator: "\n")
    #expect(found.count == 12 && FileManager.default.fileExists(atPath: tool.directory + "/ab.svg"))
    let clicks = (0..<4000).filter { $0 % 2 == 1 && $0 % 25 < 2 }.count
    #expect(
      found.contains { $0.contains("\"clicks\":\(clicks),\"count\":2000,") && $0.contains("\"measure\":\"CTR\"") },
      "\(found)")
    let other = try tool.run(flags + ["--baseline", "older"])
    #expect(other.status == 2 && other.errors.contains("has the groups new, old"), "\(other.errors)")
  }
}
