import Randomness

@testable import DeepFM

/// A slice with parameters, small enough to differentiate by hand.
struct Problem<Scalar: ModelScalar> {
  var rows: Int
  var fields: Int
  var width: Int
  var uniqueCount: Int
  var offsets: [Int32] = [0]
  var unique: [UInt32] = []
  var values: [Float] = []
  var labels: [Float] = []
  /// `[uniqueCount x width]`
  var sparse: [Scalar] = []
  var dense: [Scalar] = []

  struct Gradients {
    var loss = 0.0
    var sparse: [Scalar]
    var dense: [Scalar]
  }

  /// Random data and parameters for a model; several entries in some cells if wanted.
  static func random(
    for model: some Model<Scalar>, rows: Int, entriesPerCell: ClosedRange<Int> = 1...1, using random: inout SplitMix
  ) -> Problem {
    let fields = model.configuration.fields
    var problem = Problem(
      rows: rows, fields: fields, width: model.sparse.width, uniqueCount: Int.random(in: 1...12, using: &random))
    for _ in 0..<rows * fields {
      for _ in 0..<Int.random(in: entriesPerCell, using: &random) {
        problem.unique.append(UInt32.random(in: 0..<UInt32(problem.uniqueCount), using: &random))
        problem.values.append(Float.random(in: -2...2, using: &random))
      }
      problem.offsets.append(Int32(problem.unique.count))
    }
    problem.labels = (0..<rows).map { _ in Bool.random(using: &random) ? 1 : 0 }
    problem.sparse = (0..<problem.uniqueCount * problem.width).map { _ in
      Scalar(Double.random(in: -0.5...0.5, using: &random))
    }
    problem.dense = (0..<model.dense.count).map { _ in Scalar(Double.random(in: -0.5...0.5, using: &random)) }
    return problem
  }

  /// Shows the problem to a model as a worker would.
  func withInput<Value>(_ body: (SliceInput<Scalar>, UnsafePointer<Scalar>) -> Value) -> Value {
    sparse.withUnsafeBufferPointer { sparse in
      let parameters = (0..<uniqueCount).map { sparse.baseAddress! + $0 * width }
      return parameters.withUnsafeBufferPointer { parameters in
        offsets.withUnsafeBufferPointer { offsets in
          unique.withUnsafeBufferPointer { unique in
            values.withUnsafeBufferPointer { values in
              labels.withUnsafeBufferPointer { labels in
                dense.withUnsafeBufferPointer { dense in
                  // An array without entries has no address; nothing is read from it then.
                  let none = UnsafePointer<UInt32>(bitPattern: 8)!
                  let nothing = UnsafePointer<Float>(bitPattern: 8)!
                  return body(
                    SliceInput(
                      rows: rows, fields: fields, offsets: offsets.baseAddress!, unique: unique.baseAddress ?? none,
                      values: values.baseAddress ?? nothing, labels: labels.baseAddress!,
                      parameters: parameters.baseAddress!, uniqueCount: uniqueCount),
                    dense.baseAddress!)
                }
              }
            }
          }
        }
      }
    }
  }

  func gradients(
    of model: some Model<Scalar>, dropout: DropoutCounter, in workspace: Workspace<Scalar>? = nil
  ) -> Gradients {
    // Filled with rubbish: everything must be overwritten.
    var gradients = Gradients(
      sparse: Array(repeating: 99, count: uniqueCount * width), dense: Array(repeating: 99, count: model.dense.count))
    gradients.loss = gradients.sparse.withUnsafeMutableBufferPointer { sparse in
      gradients.dense.withUnsafeMutableBufferPointer { dense in
        withInput { input, parameters in
          model.train(
            input, dense: parameters, dropout: dropout, sparseGradient: sparse.baseAddress!,
            denseGradient: dense.baseAddress!, in: workspace ?? model.makeWorkspace(rows: rows))
        }
      }
    }
    return gradients
  }

  func logits(of model: some Model<Scalar>) -> [Scalar] {
    var logits = [Scalar](repeating: 99, count: rows)
    logits.withUnsafeMutableBufferPointer { logits in
      withInput { input, parameters in
        model.predict(input, dense: parameters, logits: logits.baseAddress!, in: model.makeWorkspace(rows: rows))
      }
    }
    return logits
  }
}

/// A generator with a seed, so that a failing case can be had again.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  init(_ seed: Int) { state = UInt64(truncatingIfNeeded: seed) &* SplitMix64.golden }

  mutating func next() -> UInt64 {
    state &+= SplitMix64.golden
    return SplitMix64.mix(state)
  }
}

/// How far two gradients are apart, relative to the larger one's greatest element.
func relativeError(_ a: [Double], _ b: [Double]) -> Double {
  let scale = max(1e-8, (a + b).map(abs).max() ?? 0)
  return zip(a, b).map { abs($0 - $1) }.max().map { $0 / scale } ?? 0
}
