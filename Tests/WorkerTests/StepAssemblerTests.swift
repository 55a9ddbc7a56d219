import Features
import Randomness
import Sharding
import Testing
import Worker

struct StepAssemblerTests {
  @Test("Every entry finds its rank, ranks ascend and are listed once, slices list theirs", arguments: 0..<20)
  func assemble(seed: Int) {
    var random = Draws(seed)
    var assembler = StepAssembler()
    let work = StepWork()
    // The same again and again: nothing of a step may show in the next.
    for _ in 0..<3 {
      let fields = Int.random(in: 1...5, using: &random)
      let range = UInt64(1) << UInt64.random(in: 0...63, using: &random)
      let slices = (0..<Int.random(in: 1...4, using: &random)).map { _ in
        (0..<Int.random(in: 0...900, using: &random) * fields).map { _ in UInt64.random(in: 0..<range, using: &random) }
      }
      work.begin(.training(step: 0), view: 1, slices: Array(slices.indices), fields: fields)
      for (part, keys) in slices.enumerated() {
        for row in stride(from: 0, to: keys.count, by: fields) {
          work.parts[part].batch.append(label: 1, keys: Array(keys[row..<row + fields]))
        }
      }
      assembler.assemble(work)
      #expect(work.ranks == Set(slices.flatMap { $0 }).map(Rank.of).sorted())
      for (part, keys) in zip(work.parts, slices) {
        #expect(part.places.map { work.ranks[Int(part.uniques[Int($0)])] } == keys.map(Rank.of))
        #expect(part.uniques.count == Set(keys).count)
        #expect(part.uniques.ascends)
      }
    }
  }

  @Test("The servers' shares hold every rank once, on its first home", arguments: [1, 2, 3, 7])
  func shares(servers: Int) {
    var random = Draws(servers)
    let map = SlotMap(servers: servers)
    let homes = FirstHomes(map)
    let ranks = Set((0..<500).map { _ in random.next() }).sorted()
    let shares = homes.shares(of: ranks)
    #expect(shares.count == servers)
    var positions: [Int] = []
    for (server, share) in shares.enumerated() {
      share.forEachRun(of: 0..<share.count) { positions += $0 }
      for range in share.ranges {
        for position in range { #expect(map.firstHome(ofSlot: Rank.slot(of: ranks[position])) == server) }
      }
      // Cut anywhere, the parts are the whole.
      let middle = share.count / 3
      var halves: [Int] = []
      share.forEachRun(of: 0..<middle) { halves += $0 }
      share.forEachRun(of: middle..<share.count) { halves += $0 }
      #expect(halves == share.ranges.flatMap { $0 })
    }
    #expect(positions.sorted() == Array(ranks.indices))
    #expect(homes.shares(of: []).map(\.count) == Array(repeating: 0, count: servers))
  }
}

/// Random numbers of a seed.
struct Draws: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: Int) { state = UInt64(truncatingIfNeeded: seed) &* SplitMix64.golden }

  mutating func next() -> UInt64 {
    state &+= SplitMix64.golden
    return SplitMix64.mix(state)
  }
}
