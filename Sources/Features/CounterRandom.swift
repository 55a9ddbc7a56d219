/// Random numbers that are a function of what they are for, not of who drew before.
///
/// The n-th draw is a hash of a key and n, so any process can compute any draw, in any order, without sharing state
/// (DESIGN.md, promise 1). The key is a hash of the words that name the purpose, e.g. seed, epoch, slice.
///
/// - Source: the mixing function is SplitMix64's; G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number
///   Generators", 2014. Counter-based use after J. Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011.
struct CounterRandom: Sendable {
  private let key: UInt64
  private var counter: UInt64 = 0

  init(_ words: UInt64...) {
    key = words.reduce(0x243F_6A88_85A3_08D3) { Self.mix($0 &+ Self.golden ^ Self.mix($1 &+ Self.golden)) }
  }

  /// The draws for `purpose`, e.g. a row number, under this key.
  @inline(__always)
  func forked(_ purpose: UInt64) -> CounterRandom {
    CounterRandom(key: Self.mix(key ^ Self.mix(purpose &+ Self.golden)))
  }

  private init(key: UInt64) { self.key = key }

  @inline(__always)
  mutating func next() -> UInt64 {
    counter &+= 1
    return Self.mix(key &+ counter &* Self.golden)
  }

  /// A whole number below `bound`; the bias of the multiplication is below bound / 2⁶⁴.
  @inline(__always)
  mutating func next(below bound: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// Uniform in [0, 1).
  @inline(__always)
  mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Close to the standard normal distribution, from the sum of four 16-bit numbers: no logarithm, and no surprises at
  /// the tails (it never leaves ±3.5).
  @inline(__always)
  mutating func normal() -> Double {
    let bits = next()
    let sum = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48)
    return (Double(sum) * 0x1p-16 - 2) * 1.732_050_807_568_877_2
  }

  /// Fisher-Yates.
  mutating func shuffle<Element>(_ elements: inout [Element]) {
    guard elements.count > 1 else { return }
    for last in stride(from: elements.count - 1, through: 1, by: -1) {
      elements.swapAt(last, next(below: last + 1))
    }
  }

  private static let golden: UInt64 = 0x9E37_79B9_7F4A_7C15

  @inline(__always)
  private static func mix(_ word: UInt64) -> UInt64 {
    var z = word
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}
