import Randomness

/// Says which neurons a slice keeps: a function of its fields, never of state, so that whoever computes the slice
/// drops the same ones.
public struct DropoutCounter: Sendable, Hashable {
  public var seed: UInt64
  public var step: UInt64
  public var slice: UInt32

  public init(seed: UInt64, step: UInt64, slice: UInt32) {
    self.seed = seed
    self.step = step
    self.slice = slice
  }

  /// The start of a layer's sequence.
  func base(layer: Int) -> UInt64 {
    var base = SplitMix64.mix(seed &+ SplitMix64.golden)
    base = SplitMix64.mix(base ^ step)
    base = SplitMix64.mix(base ^ (UInt64(slice) << 32 | UInt64(layer)))
    return base
  }
}

/// Inverted dropout: a neuron is kept with probability `keep` and then scaled by `1 / keep`, so that nothing changes at
/// prediction. The masks are made anew in the backward pass rather than stored.
struct Dropout<Scalar: ModelScalar>: Sendable {
  /// Probability that a neuron is kept (the paper's "dropout").
  let keep: Double
  /// Of what a kept neuron is multiplied by.
  let scale: Scalar
  private let threshold: Int32

  init(keep: Double) {
    self.keep = keep
    threshold = Int32(min(65535, (keep * 65536).rounded()))
    scale = Scalar(1 / keep)
  }

  var isActive: Bool { keep < 1 }

  /// Multiplies the `count` neurons of row `row` by `factor` where they are kept, by 0 where they are dropped.
  /// `scratch` has room for `count` rounded up to 4.
  @inline(__always)
  func apply(
    to neurons: UnsafeMutablePointer<Scalar>, factor: Scalar, count: Int, row: Int, base: UInt64,
    scratch: UnsafeMutablePointer<UInt16>
  ) {
    let groups = (count + 3) / 4
    let first = UInt64(truncatingIfNeeded: row &* groups)
    scratch.withMemoryRebound(to: UInt64.self, capacity: groups) { words in
      for group in 0..<groups {
        words[group] = SplitMix64.mix(base &+ (first &+ UInt64(truncatingIfNeeded: group)) &* SplitMix64.golden)
      }
    }
    // Arithmetic instead of a choice: half of all branches would be mispredicted.
    for i in 0..<count {
      let isKept = ((Int32(scratch[i]) &- threshold) &>> 31) & 1
      neurons[i] *= Scalar(isKept) * factor
    }
  }
}
