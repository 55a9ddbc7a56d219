/// Random numbers that are a function of what they are for, not of who drew before.
///
/// The n-th draw is a hash of a key and n, so any process can compute any draw, in any order, without sharing state
/// (ARCHITECTURE.md, promise 1). The key is a hash of the words that name the purpose, e.g. seed, epoch, slice.
///
/// - Source: the mixing function is SplitMix64's; G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number
///   Generators", 2014. Counter-based use after J. Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011.
public struct CounterRandom: Sendable {
  @usableFromInline let key: UInt64
  @usableFromInline var counter: UInt64 = 0

  public init(_ words: UInt64...) {
    key = words.reduce(0x243F_6A88_85A3_08D3) {
      SplitMix64.mix($0 &+ SplitMix64.golden ^ SplitMix64.mix($1 &+ SplitMix64.golden))
    }
  }

  /// The draws for `purpose`, e.g. a row number, under this key.
  @inlinable
  @inline(__always)
  public func forked(_ purpose: UInt64) -> CounterRandom {
    CounterRandom(key: SplitMix64.mix(key ^ SplitMix64.mix(purpose &+ SplitMix64.golden)))
  }

  @inlinable
  init(key: UInt64) { self.key = key }

  @inlinable
  @inline(__always)
  public mutating func next() -> UInt64 {
    counter &+= 1
    return SplitMix64.mix(key &+ counter &* SplitMix64.golden)
  }

  /// A whole number below `bound`; the bias of the multiplication is below bound / 2⁶⁴.
  @inlinable
  @inline(__always)
  public mutating func next(below bound: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// Uniform in [0, 1).
  @inlinable
  @inline(__always)
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Close to the standard normal distribution, from the sum of four 16-bit numbers: no logarithm, and no surprises at
  /// the tails (it never leaves ±3.5).
  @inlinable
  @inline(__always)
  public mutating func normal() -> Double {
    let bits = next()
    let sum = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48)
    return (Double(sum) * 0x1p-16 - 2) * 1.732_050_807_568_877_2
  }

  /// Fisher-Yates.
  @inlinable
  public mutating func shuffle<Element>(_ elements: inout [Element]) {
    guard elements.count > 1 else { return }
    for last in stride(from: elements.count - 1, through: 1, by: -1) {
      elements.swapAt(last, next(below: last + 1))
    }
  }
}
