import Features
import Sharding
import Testing
import Wire

@testable import Worker

struct UniqueKeysTests {
  private static func work(_ batches: [[UInt64]], fields: Int) -> StepWork {
    let work = StepWork()
    work.parts = batches.enumerated().map { slice, keys in
      var part = SlicePart(slice: slice, batch: Batch(fields: fields))
      for row in stride(from: 0, to: keys.count, by: fields) {
        part.batch.append(label: 1, keys: Array(keys[row..<row + fields]))
      }
      return part
    }
    return work
  }

  @Test("Every entry finds its key, keys ascend and are listed once, slices list theirs", arguments: 0..<20)
  func number(seed: Int) {
    var random = SplitMix(seed)
    var unique = UniqueKeys()
    // The same finder again and again: nothing of a step may show in the next.
    for _ in 0..<3 {
      let fields = Int.random(in: 1...5, using: &random)
      let range = UInt64(1) << UInt64.random(in: 0...63, using: &random)
      let batches = (0..<Int.random(in: 1...4, using: &random)).map { _ in
        (0..<Int.random(in: 0...900, using: &random) * fields).map { _ in UInt64.random(in: 0..<range, using: &random) }
      }
      let work = Self.work(batches, fields: fields)
      unique.number(work)
      #expect(work.keys == Set(batches.flatMap { $0 }).sorted { Rank.of($0) < Rank.of($1) })
      for (part, keys) in zip(work.parts, batches) {
        #expect(part.places.map { work.keys[Int(part.uniques[Int($0)])] } == keys)
        #expect(part.uniques.count == Set(keys).count)
        #expect(zip(part.uniques, part.uniques.dropFirst()).allSatisfy { $0 < $1 })
      }
    }
  }

  @Test("Shares of the servers hold every key once, on its owner", arguments: [1, 2, 3, 7])
  func shares(servers: Int) {
    var random = SplitMix(servers)
    let map = SlotMap(servers: servers)
    let owners = map.owners()
    let keys = Set((0..<500).map { _ in random.next() }).sorted { Rank.of($0) < Rank.of($1) }
    let shares = KeyShare.deal(keys, over: map)
    #expect(shares.map(\.server) == Array(0..<servers))
    var places: [Int] = []
    for share in shares {
      share.forEachRun(from: 0, to: share.count) { places += $0 }
      for range in share.ranges {
        for place in range { #expect(owners[Rank.slot(of: Rank.of(keys[place]))] == UInt16(share.server)) }
      }
    }
    #expect(places.sorted() == Array(keys.indices))
    #expect(KeyShare.deal([], over: map).map(\.count) == Array(repeating: 0, count: servers))
  }
}

struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  init(_ seed: Int) { state = UInt64(truncatingIfNeeded: seed) &* 0x9e37_79b9_7f4a_7c15 }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    return Rank.of(state)
  }
}
