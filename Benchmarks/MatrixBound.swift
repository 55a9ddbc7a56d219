import DeepFM
import Features
import Foundation

/// What the matrix products of DeepFM-D alone would take: no program that uses this BLAS can train faster.
struct MatrixBound {
  /// Floating-point operations per second.
  var single: Double
  var all: Double

  /// Of a slice that is trained on.
  static let rows = 512
  /// Of a block that is scored.
  private static let blockRows = 2048
  private static let layers = [(390, 400), (400, 400), (400, 400)]

  /// Operations of the nine products of a sample: forward, weights' gradient, input's gradient, for three layers.
  static let operationsPerSample = Double(layers.reduce(0) { $0 + 3 * 2 * $1.0 * $1.1 })

  func samplesPerSecond(_ operations: Double) -> Double { operations / Self.operationsPerSample }

  private static let repetitions = 150

  static func measure() -> MatrixBound {
    let cores = ProcessInfo.processInfo.activeProcessorCount
    func operations(threads: Int) -> Double {
      samplesPerSecond(threads: threads, rows: rows) { products() } * operationsPerSample
    }
    return MatrixBound(single: operations(threads: 1), all: operations(threads: cores))
  }

  /// Samples a second that the three products of the forward pass take on all cores.
  static func forward() -> Double {
    let cores = ProcessInfo.processInfo.activeProcessorCount
    return samplesPerSecond(threads: cores, rows: blockRows) { forward(blockRows) }
  }

  /// - Parameters:
  ///   - rows: of a repetition.
  ///   - body: all repetitions.
  private static func samplesPerSecond(threads: Int, rows: Int, _ body: @escaping @Sendable () -> Void) -> Double {
    BLASThreads.set(1)
    // The best of some: the bound is what the machine can do, not what its neighbours leave.
    return (0..<3).map { _ in
      let time = seconds {
        let running = (0..<threads).map { NamedThread("products-\($0)", body) }
        for thread in running { thread.join() }
      }
      return Double(threads * repetitions * rows) / time
    }.max()!
  }

  private static func products() {
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

  private static func forward(_ rows: Int) {
    var input = [Float](repeating: 0.5, count: rows * 400)
    var weights = [Float](repeating: 0.001, count: 400 * 400)
    var output = [Float](repeating: 0.5, count: rows * 400)
    input.withUnsafeMutableBufferPointer { input in
      weights.withUnsafeMutableBufferPointer { weights in
        output.withUnsafeMutableBufferPointer { output in
          for (inputs, neurons) in (0..<repetitions).flatMap({ _ in layers }) {
            OpenBLAS.multiply(
              Matrix(input.baseAddress!, rows: rows, columns: inputs), transposed: false,
              Matrix(weights.baseAddress!, rows: inputs, columns: neurons), transposed: false,
              into: Matrix(output.baseAddress!, rows: rows, columns: neurons))
          }
        }
      }
    }
  }
}
