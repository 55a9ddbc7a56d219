import Glibc
import Randomness

/// How many distinct numbers there are among many, to half a percent, in 64 KiB.
///
/// - Source: P. Flajolet, É. Fusy, O. Gandouet, F. Meunier, "HyperLogLog: the analysis of a near-optimal cardinality
///   estimation algorithm", 2007, figure 3, without its correction for hashes of 32 bits.
struct DistinctCount {
  private static let bits = 16
  private var registers = [UInt8](repeating: 0, count: 1 << bits)

  mutating func add(_ number: UInt64) {
    let hash = SplitMix64.mix(number &+ SplitMix64.golden)
    let register = Int(hash >> UInt64(64 - Self.bits))
    let rank = UInt8((hash << UInt64(Self.bits) | 1 << UInt64(Self.bits - 1)).leadingZeroBitCount + 1)
    if registers[register] < rank { registers[register] = rank }
  }

  var estimate: Double {
    let count = Double(registers.count)
    let sum = registers.reduce(0.0) { $0 + exp2(-Double($1)) }
    let raw = 0.7213 / (1 + 1.079 / count) * count * count / sum
    let empty = registers.count { $0 == 0 }
    // Few numbers: as many as leave so many registers empty.
    return raw <= 2.5 * count && empty > 0 ? count * log(count / Double(empty)) : raw
  }
}
