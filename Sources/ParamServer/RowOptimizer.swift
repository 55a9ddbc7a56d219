import Glibc
import Sharding
import Synchronization

/// Applies an optimizer to one row at a time. A row is its parameters, then the optimizer's state, which starts as zeros.
///
/// The gradient is `g = sum · scale + l2 · θ`: the sum over the samples, averaged, and the columns' L2.
struct RowOptimizer {
  let width: Int
  private let rule: OptimizerDescription.Rule
  /// Adam: `1 / (1 - beta^t)` for t = 0, 1, ...; beyond the end it is 1 to the precision of a Float.
  private let corrections1: [Float]
  private let corrections2: [Float]

  init(_ rule: OptimizerDescription.Rule, width: Int) {
    self.width = width
    self.rule = rule
    guard case .adam(let beta1, let beta2, _, _) = rule else {
      corrections1 = []
      corrections2 = []
      return
    }
    corrections1 = Self.corrections(beta1)
    corrections2 = Self.corrections(beta2)
  }

  /// By beta: tables by the thousand share them.
  private static let knownCorrections = Mutex<[Double: [Float]]>([:])

  private static func corrections(_ beta: Double) -> [Float] {
    knownCorrections.withLock { known in
      if let table = known[beta] { return table }
      let table = makeCorrections(beta)
      known[beta] = table
      return table
    }
  }

  private static func makeCorrections(_ beta: Double) -> [Float] {
    var table: [Float] = [1]
    var power = beta
    while power > 1e-9, table.count < 1 << 20 {
      table.append(Float(1 / (1 - power)))
      power *= beta
    }
    return table + [1]
  }

  /// Floats of state in a row.
  var stateWidth: Int { rule.stateWidth(of: width) }

  /// How a slice of a step stands that an async table applies by itself.
  struct Share {
    /// Of a step.
    var slices: Int
    /// Slices that the table has applied, of all steps.
    var applied: UInt64
  }

  /// What the rate of a step is divided by for one of its slices, so that together they move a row as far as the step would.
  ///
  /// - `sgd`, `momentum`: the slices, for a step is linear in its gradient.
  /// - `adam`: the slices of a step that touch the row, n, as its count of updates tells, to the power 3/4. Where their
  ///   gradients agree it were n; where they are noise its root, as for any smaller batch (Malladi et al. 2022, "On the SDEs
  ///   and scaling rules for adaptive gradient algorithms"). Docs/Performance.md has what each comes to.
  /// - `rmsProp`: the same of all slices, since it counts nothing.
  /// - `adagrad`, `ftrl`: nothing, since what they sum up grows with each slice, and the step shrinks by itself.
  func rateDivisor(of row: UnsafePointer<Float>, _ share: Share) -> Float {
    let slices = Float(share.slices)
    switch rule {
    case .sgd, .momentum: return slices
    case .rmsProp: return Self.tempered(slices)
    case .adam:
      let updates = Float(row[3 * width].bitPattern)
      let chance = min(1, updates / Float(share.applied + 1))
      return Self.tempered(max(1, slices * chance / (1 - powf(1 - chance, slices))))
    case .adagrad, .ftrl: return 1
    }
  }

  /// `n^(3/4)`; 1 for what is no number, such as the slices that touch a row which none has touched.
  private static func tempered(_ n: Float) -> Float { n >= 1 ? n.squareRoot() * n.squareRoot().squareRoot() : 1 }

  /// - Parameters:
  ///   - sum: `[width]`, the gradient summed over the samples.
  ///   - scale: one over the number of samples.
  ///   - l2: `[width]`.
  ///   - rate: the step's learning rate.
  func apply(
    to row: UnsafeMutablePointer<Float>, sum: UnsafePointer<Float>, scale: Float, l2: UnsafePointer<Float>, rate: Float
  ) {
    let state = row + width
    switch rule {
    case .sgd:
      for i in 0..<width { row[i] -= rate * (sum[i] * scale + l2[i] * row[i]) }
    case .momentum(let beta):
      let beta = Float(beta)
      for i in 0..<width {
        let velocity = beta * state[i] + (sum[i] * scale + l2[i] * row[i])
        state[i] = velocity
        row[i] -= rate * velocity
      }
    case .adagrad(let epsilon):
      let epsilon = Float(epsilon)
      for i in 0..<width {
        let g = sum[i] * scale + l2[i] * row[i]
        let square = state[i] + g * g
        state[i] = square
        row[i] -= rate * g / (square.squareRoot() + epsilon)
      }
    case .rmsProp(let decay, let epsilon):
      let (decay, epsilon) = (Float(decay), Float(epsilon))
      for i in 0..<width {
        let g = sum[i] * scale + l2[i] * row[i]
        let square = decay * state[i] + (1 - decay) * (g * g)
        state[i] = square
        row[i] -= rate * g / (square.squareRoot() + epsilon)
      }
    case .adam(let beta1, let beta2, let epsilon, let weightDecay):
      adam(
        row, sum: sum, scale: scale, l2: l2, rate: rate, beta1: beta1, beta2: beta2, epsilon: Float(epsilon),
        shrink: 1 - rate * Float(weightDecay))
    case .ftrl(let beta, let l1, let l2OfRule):
      ftrl(row, sum: sum, scale: scale, l2: l2, alpha: rate, beta: Float(beta), l1: Float(l1), ridge: Float(l2OfRule))
    }
  }

  private func adam(
    _ row: UnsafeMutablePointer<Float>, sum: UnsafePointer<Float>, scale: Float, l2: UnsafePointer<Float>, rate: Float,
    beta1: Double, beta2: Double, epsilon: Float, shrink: Float
  ) {
    let (keep1, keep2) = (Float(beta1), Float(beta2))
    // Rounded from Double: 1 - Float(0.999) is off by a part in twenty thousand.
    let (take1, take2) = (Float(1 - beta1), Float(1 - beta2))
    let m = row + width
    let v = row + 2 * width
    let t = row[3 * width].bitPattern &+ 1
    row[3 * width] = Float(bitPattern: t)
    let correction2 = corrections2[min(Int(t), corrections2.count - 1)]
    let corrected = rate * corrections1[min(Int(t), corrections1.count - 1)]
    for i in 0..<width {
      let g = sum[i] * scale + l2[i] * row[i]
      let first = keep1 * m[i] + take1 * g
      let second = keep2 * v[i] + take2 * (g * g)
      m[i] = first
      v[i] = second
      row[i] = row[i] * shrink - corrected * first / ((second * correction2).squareRoot() + epsilon)
    }
  }

  private func ftrl(
    _ row: UnsafeMutablePointer<Float>, sum: UnsafePointer<Float>, scale: Float, l2: UnsafePointer<Float>, alpha: Float,
    beta: Float, l1: Float, ridge: Float
  ) {
    let z = row + width
    let n = row + 2 * width
    for i in 0..<width {
      let g = sum[i] * scale + l2[i] * row[i]
      let square = n[i] + g * g
      z[i] += g - (square.squareRoot() - n[i].squareRoot()) / alpha * row[i]
      n[i] = square
      let excess = z[i].magnitude - l1
      let sign: Float = z[i] < 0 ? -1 : 1
      row[i] = excess <= 0 ? 0 : -sign * excess / ((beta + square.squareRoot()) / alpha + ridge)
    }
  }
}
