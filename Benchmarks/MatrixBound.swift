import DeepFM
import Features
import Foundation

/// What the matrix products of DeepFM-D alone would take: no program that uses this BLAS can train faster.
struct MatrixBound {
  /// Floating-point operations per second.
  var single: Double
  var all: Double

  static let rows = 512
  private static let layers = [(390, 400), (400, 400), (400, 400)]

  /// Operations of the nine products of a sample: forward, weights' gradient, input's gradient, for three layers.
  static let operationsPerSample = Double(layers.reduce(0) { $0 + 3 * 2 * $1.0 * $1.1 })

  func samplesPerSecond(_ operations: Double) -> Double { operations / Self.operationsPerSample }

  static func measure() -> MatrixBound {
    BLASThreads.set(1)
    let cores = ProcessInfo.processInfo.activeProcessorCount
    return MatrixBound(single: speed(threads: 1), all: speed(threads: cores))
  }

  private static func speed(threads: Int) -> Double {
    let repetitions = 150
    // The best of some: the bound is what the machine can do, not what its neighbours leave.
    return (0..<3).map { _ in
      let time = seconds {
        let running = (0..<threads).map { NamedThread("products-\($0)") { products(repetitions) } }
        for thread in running { thread.join() }
      }
      return Double(threads * repetitions * rows) * operationsPerSample / time
    }.max()!
  }

  private static func products(_ repetitions: Int) {
    var input = [Float](repeating: 0.5, count: rows * 400)
    var weights = [Float](repeating: 0.5, count: 400 * 400)
    var output = [Float](repeating: 0.5, count: rows * 400)
    input.withUnsafeMutableBufferPointer { input in
      weights.withUnsafeMutableBufferPointer { weights in
        output.withUnsafeMutableBufferPointer { output in
          for _ in 0..<repetitions {
            for (inputs, neurons) in layers {
              let a = Matrix(input.baseAddress!, rows: rows, columns: inputs)
              let w = Matrix(weights.baseAddress!, rows: inputs, columns: neurons)
              let z = Matrix(output.baseAddress!, rows: rows, columns: neurons)
              OpenBLAS.multiply(a, transposed: false, w, transposed: false, into: z)
              OpenBLAS.multiply(a, transposed: true, z, transposed: false, into: w)
              OpenBLAS.multiply(z, transposed: false, w, transposed: true, into: a)
            }
            // Keeps the numbers from growing to infinity, which is slower to multiply on some machines.
            input.update(repeating: 0.5)
            weights.update(repeating: 0.5)
          }
        }
      }
    }
  }
}
