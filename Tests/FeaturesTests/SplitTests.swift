import Foundation
import Testing

@testable import Features

struct SplitTests {
  private static func split(
    _ files: [String], _ schema: Schema, _ rule: SplitRule, _ ratio: [Int], _ scratch: Scratch, chunkBytes: Int = 300
  ) throws -> (parts: [Splitter.Part], lines: [[String]]) {
    let index = try scratch.index(files, schema, chunkBytes: chunkBytes)
    let paths = ratio.indices.map { "\(scratch.path)/part-\($0)" }
    let parts = try Splitter(index, rule: rule, ratio: ratio).write(to: paths)
    return (
      parts, try paths.map { try String(contentsOfFile: $0, encoding: .utf8).split(separator: "\n").map(String.init) }
    )
  }

  private static func rows(_ count: Int, _ random: inout SplitMix) -> [String] {
    (0..<count).map {
      "\(Int.random(in: 0...1, using: &random)),u\(Int.random(in: 0..<40, using: &random)),\(Int.random(in: 0..<count, using: &random)),\($0)"
    }
  }

  @Test("Every row goes to one part, as it was; the counts and clicks are right; again the same", arguments: 0..<20)
  func partition(seed: Int) throws {
    var random = SplitMix(seed)
    let scratch = try Scratch()
    let lines = Self.rows(Int.random(in: 50...900, using: &random), &random)
    let end = Bool.random(using: &random) ? "\n" : "\r\n"
    let cut = lines.count / 3
    let header = "label,user,time,number" + end
    let files = try [
      scratch.file("1.csv", header + lines[..<cut].map { $0 + end }.joined()),
      scratch.file("2.csv", header + lines[cut...].joined(separator: end)),
    ]
    let rules: [SplitRule] = [
      .random(seed: UInt64(seed)), .sequential, .byColumn("user", seed: UInt64(seed)), .byTime("time", format: nil),
    ]
    for rule in rules {
      let ratio = [3, 2, 1]
      let schema = Schema(timestamp: "time")
      let (parts, found) = try Self.split(files, schema, rule, ratio, scratch)
      #expect(found.allSatisfy { $0.first == "label,user,time,number" })
      let bodies = found.map { Array($0.dropFirst()) }
      #expect(bodies.joined().sorted() == lines.sorted())
      #expect(parts.map(\.rows) == bodies.map(\.count))
      #expect(parts.map(\.positives) == bodies.map { $0.count { $0.hasPrefix("1") } })
      #expect(try Self.split(files, schema, rule, ratio, scratch, chunkBytes: 5000).parts == parts)
      switch rule {
      case .sequential:
        #expect(Array(bodies.joined()) == lines && parts[0].rows == lines.count / 2)
      case .byColumn:
        let users = bodies.map { Set($0.map { $0.split(separator: ",")[1] }) }
        #expect(users[0].isDisjoint(with: users[1]) && users[1].isDisjoint(with: users[2]))
      case .byTime:
        let times = bodies.map { $0.map { Int($0.split(separator: ",")[2])! } }
        #expect(times[0].max()! < times[1].min()! && times[1].max()! < times[2].min()!)
        // Ties stay together, else the ratio is exact.
        #expect(parts[0].rows <= lines.count / 2 && parts[0].rows > lines.count / 2 - 20)
      case .random:
        #expect(abs(parts[0].rows - lines.count / 2) < 5 * Int(Double(lines.count).squareRoot()))
      }
    }
  }

  @Test("What cannot be split says why and leaves nothing")
  func mistakes() throws {
    let scratch = try Scratch()
    let file = try scratch.file("a.csv", "label,user,time\n1,a,x\n0,b,y\n")
    func message(_ rule: SplitRule, _ ratio: [Int]) -> String? {
      #expect(throws: SplitError.self) { try Self.split([file], Schema(), rule, ratio, scratch) }?.description
    }
    #expect(message(.byColumn("usr", seed: 1), [1, 1])?.contains("did you mean \"user\"?") == true)
    #expect(
      message(.byTime("time", format: nil), [1, 1])?.contains("a.csv:2: time: expected a time, found \"x\"") == true)
    #expect(message(.sequential, [1])?.contains("is no ratio") == true)
    #expect(message(.sequential, [1, 100])?.contains("would have none of the 2 rows") == true)
    #expect(!FileManager.default.fileExists(atPath: scratch.path + "/part-0"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).allSatisfy { !$0.contains("partial") })
  }

  @Test("Formats without columns split at random or in order")
  func indexed() throws {
    let scratch = try Scratch()
    let file = try scratch.file("a", (0..<100).map { "\($0 % 2) 0:\($0):1\n" }.joined())
    let (parts, _) = try Self.split([file], Schema(format: .libffm), .sequential, [9, 1], scratch)
    #expect(parts.map(\.rows) == [90, 10] && parts.map(\.positives) == [45, 5])
  }
}
