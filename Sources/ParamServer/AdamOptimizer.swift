import Glibc
import Wire

/// Adam (Kingma & Ba 2015, algorithm 1), applied to one row at a time.
///
/// A row's state is `[m x width][v x width][t]`: both moments, and how often the row was updated, as the bits of a
/// UInt32. The bias corrections use the row's own t: a rare key's first step is as long as a frequent one's.
struct AdamOptimizer {
  let width: Int
  private let learningRate: Float
  private let beta1: Float
  private let beta2: Float
  private let epsilon: Float
  /// `1 / (1 - beta^t)` for t = 0, 1, ...; beyond the end it is 1 to the precision of a Float.
  private let corrections1: [Float]
  private let corrections2: [Float]

  init(_ description: TableDescription.Optimizer, width: Int) {
    self.width = width
    learningRate = Float(description.learningRate)
    beta1 = Float(description.beta1)
    beta2 = Float(description.beta2)
    epsilon = Float(description.epsilon)
    corrections1 = Self.corrections(description.beta1)
    corrections2 = Self.corrections(description.beta2)
  }

  private static func corrections(_ beta: Double) -> [Float] {
    var table: [Float] = [1]
    var power = beta
    while power > 1e-9, table.count < 1 << 20 {
      table.append(Float(1 / (1 - power)))
      power *= beta
    }
    return table + [1]
  }

  var stateWidth: Int { 2 * width + 1 }

  /// Updates a row by `g = sum · scale + l2 · θ`.
  ///
  /// - Parameters:
  ///   - row: parameters, then state.
  ///   - sum: `[width]`, the gradient summed over the samples.
  ///   - scale: one over the number of samples.
  ///   - l2: `[width]`.
  func apply(to row: UnsafeMutablePointer<Float>, sum: UnsafePointer<Float>, scale: Float, l2: UnsafePointer<Float>) {
    let m = row + width
    let v = row + 2 * width
    let t = row[3 * width].bitPattern &+ 1
    row[3 * width] = Float(bitPattern: t)
    let correction1 = corrections1[min(Int(t), corrections1.count - 1)]
    let correction2 = corrections2[min(Int(t), corrections2.count - 1)]
    let rate = learningRate * correction1
    for i in 0..<width {
      let g = sum[i] * scale + l2[i] * row[i]
      let first = beta1 * m[i] + (1 - beta1) * g
      let second = beta2 * v[i] + (1 - beta2) * (g * g)
      m[i] = first
      v[i] = second
      row[i] -= rate * first / ((second * correction2).squareRoot() + epsilon)
    }
  }
}
