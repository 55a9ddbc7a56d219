import Foundation
import Testing

@testable import Comparison

struct ListTests {
  private static func lists(_ lists: [(String, String, [String])]) -> RecommendationLists {
    RecommendationLists(lists.map { .init(user: $0.0, group: $0.1, items: $0.2) })
  }

  @Test("Equations 14 to 16 by hand: two groups of two users")
  func personalization() {
    let lists = Self.lists([
      ("1", "a", ["x", "y"]), ("2", "a", ["x", "z"]), ("3", "b", ["x", "y"]), ("4", "b", ["u", "v"]),
    ])
    // Pairs: 1-3 share both, 1-4 none, 2-3 one, 2-4 none: h = 0, 1, 1/2, 1.
    #expect(abs(lists.personalization(top: 2)! - 2.5 / 4) < 1e-15)
    // Of the first alone: 1-3 and 2-3 are the same.
    #expect(lists.personalization(top: 1) == 0.5)
    #expect(Self.lists([("1", "a", ["x"]), ("2", "a", ["y"])]).personalization(top: 1) == nil)
    #expect(Self.lists([("1", "a", ["x"]), ("2", "b", ["x"]), ("3", "c", ["x"])]).personalization(top: 1) == 0)
    #expect(Self.lists([("1", "a", ["x"]), ("2", "b", ["y"]), ("3", "c", ["z"])]).personalization(top: 1) == 1)
  }

  @Test("The sum by items is the mean over pairs of groups of the mean over pairs of users", arguments: 0..<20)
  func byPairs(seed: Int) {
    var state = UInt64(seed &* 77 + 5)
    func below(_ bound: UInt64) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % bound)
    }
    let lists = Self.lists(
      (0..<30).map { user in
        var items: [String] = []
        while items.count < 5 {
          let item = "\(below(12))"
          if !items.contains(item) { items.append(item) }
        }
        return ("\(user)", "\(user % 4)", items)
      })
    for top in [1, 3, 5] {
      var sum = 0.0
      var pairs = 0.0
      for i in 0..<4 {
        for j in (i + 1)..<4 {
          let (ours, theirs) = (lists.lists.filter { $0.group == "\(i)" }, lists.lists.filter { $0.group == "\(j)" })
          let all = ours.flatMap { a in
            theirs.map { b in 1 - Double(Set(a.items.prefix(top)).intersection(b.items.prefix(top)).count) / Double(top)
            }
          }
          sum += all.reduce(0, +) / Double(all.count)
          pairs += 1
        }
      }
      #expect(abs(lists.personalization(top: top)! - sum / pairs) < 1e-12)
    }
  }

  @Test("Equations 17 and 18 by hand")
  func others() {
    let lists = Self.lists([("1", "a", ["x", "y"]), ("2", "b", ["x", "z"])])
    #expect(lists.coverage(top: 1, candidates: 10) == 0.1 && lists.coverage(top: 2, candidates: 10) == 0.3)
    let popularity = lists.popularity(top: 2, history: ["x": 8, "y": 4, "w": 2])
    // Lists: (1 + 1/2) / 2 and (1 + 0) / 2.
    #expect(popularity.mean == 0.625 && abs(popularity.variance - 0.015625) < 1e-15)
  }

  @Test("Users are of the type that they chose most above what all do; of each type some")
  func types() {
    let types = ["x": ["a", "b"], "y": ["a"], "z": ["c"]]
    let history = [
      "1": ["x", "x", "y"], "2": ["z", "z", "y"], "3": ["y", "y", "y"], "4": ["z"], "5": ["x", "z", "y"],
    ]
    let members = UserTypes(history: history, types: types).sample(2, each: 2, least: 3)
    // Of all thirteen choices nine are of a, four of c, three of b.
    #expect(Set(members.map(\.type)) == ["a", "c"] && !members.contains { $0.user == "4" })
    #expect(members.filter { $0.type == "a" }.map(\.user) == ["1", "3"])
    #expect(members.filter { $0.type == "c" }.map(\.user) == ["2", "5"])
  }

  @Test("Rates, improvements and their intervals by hand")
  func rates() throws {
    var log = ExposureLog()
    for (group, clicks, impressions) in [("a", 20, 1000), ("b", 30, 1000)] {
      for number in 0..<impressions {
        log.add(group: group, day: number % 2, isClick: number < clicks, user: "\(number % 100)")
      }
    }
    #expect(log.groups == ["a", "b"] && log.days == [0, 1])
    #expect(log.clickThroughRate("a").mean == 0.02 && log.clickThroughRate("b", day: 0).mean == 0.03)
    let improvement = try #require(
      ExposureLog.Improvement(of: log.clickThroughRate("b"), over: log.clickThroughRate("a")))
    // The relative error of a share p of n is sqrt((1 - p) / (p (n - 1))).
    let error = (0.97 / (0.03 * 999) + 0.98 / (0.02 * 999)).squareRoot()
    #expect(abs(improvement.value - 0.5) < 1e-12)
    #expect(abs(improvement.low - (1.5 * exp(-1.959963984540054 * error) - 1)) < 1e-9)
    #expect(abs(improvement.high - (1.5 * exp(1.959963984540054 * error) - 1)) < 1e-9)
    // A hundred users, each with ten impressions: clicks a user, in all and on one day, when half of them came.
    #expect(log.conversionRate("a").count == 100 && log.conversionRate("a").mean == 0.2)
    #expect(log.conversionRate("b", day: 1).count == 50 && log.conversionRate("b", day: 1).mean == 0.3)
    var empty = ExposureLog()
    empty.add(group: "c", day: 0, isClick: false, user: nil)
    #expect(ExposureLog.Improvement(of: empty.clickThroughRate("c"), over: log.clickThroughRate("a")) == nil)
  }
}
