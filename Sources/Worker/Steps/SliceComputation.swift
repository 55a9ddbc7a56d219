import DeepFM
import Sharding

/// What one thread computes: a slice's gradients or scores, from its rows of data and the parameters pulled for them.
/// The bits depend on the slice and the parameters alone, not on the other slices of the step.
package struct SliceComputation {
  private let model: any Model<Float>
  private let seed: UInt64
  private let clip: Double
  private let workspace: Workspace<Float>
  private var parameters: [UnsafePointer<Float>] = []
  private var logits: [Float]

  /// - Parameters:
  ///   - rows: most rows of data in a slice or block.
  ///   - seed: of dropout.
  ///   - clip: longest norm of a slice's mean gradient; 0: any.
  package init(model: any Model<Float>, rows: Int, seed: UInt64, clip: Double) {
    self.model = model
    self.seed = seed
    self.clip = clip
    workspace = model.makeWorkspace(rows: rows)
    logits = [Float](repeating: 0, count: rows)
  }

  /// Sets `sum` to the gradients of a part of the step, summed over its rows.
  ///
  /// - Parameter work: with all its rows pulled.
  package mutating func train(part: Int, of work: StepWork, step: UInt64, into sum: GradientSum) {
    let slice = work.parts[part]
    sum.begin(samples: slice.batch.rows, places: slice.uniques)
    guard slice.batch.rows > 0 else { return }
    let (model, workspace) = (model, workspace)
    let dropout = DropoutCounter(seed: seed, step: step, slice: UInt32(slice.slice))
    withInput(slice, of: work) { input, dense in
      sum.lossSum = model.train(
        input, dense: dense, dropout: dropout, sparseGradient: sum.sparse, denseGradient: sum.dense, in: workspace)
    }
    let substitution = slice.substitution
    if !substitution.others.isEmpty { sum.fold(substitution, rows: work.sparse.rows) }
    if clip > 0 { sum.clip(norm: clip) }
    if !substitution.others.isEmpty { sum.note(substitution, rows: work.sparse.rows, ranks: work.ranks) }
    if sum.shape.countsClicks { sum.addClicks(of: slice) }
    withExtendedLifetime(work) {}
  }

  /// The logits of a part's rows, without dropout.
  ///
  /// - Parameter work: with all its rows pulled.
  package mutating func score(part: Int, of work: StepWork) -> [Float] {
    let slice = work.parts[part]
    guard slice.batch.rows > 0 else { return [] }
    let (model, workspace) = (model, workspace)
    var logits = [Float]()
    swap(&logits, &self.logits)
    defer { swap(&logits, &self.logits) }
    withInput(slice, of: work) { input, dense in
      logits.withUnsafeMutableBufferPointer {
        model.predict(input, dense: dense, logits: $0.baseAddress!, in: workspace)
      }
    }
    guard let shift = model.configuration.logitShift else { return Array(logits.prefix(slice.batch.rows)) }
    return logits.prefix(slice.batch.rows).map { $0 + Float(shift) }
  }

  /// What each hidden layer put out for the rows that were scored last, `[rows x neurons]`; valid until the next are.
  package var hiddenOutputs: [(neurons: Int, values: UnsafeMutablePointer<Float>)] {
    model.hiddenOutputs(in: workspace)
  }

  /// Shows the model one part of the work, with the rows where they were received.
  private mutating func withInput(
    _ slice: SlicePart, of work: StepWork, _ body: (SliceInput<Float>, UnsafePointer<Float>) -> Void
  ) {
    parameters.removeAll(keepingCapacity: true)
    for place in slice.uniques { parameters.append(work.sparse.rows[Int(place)]!) }
    if !slice.substitution.others.isEmpty {
      for position in parameters.indices where TableDescription.Admission.isAbsent(parameters[position]) {
        if let other = slice.substitution.other(for: position) { parameters[position] = parameters[other] }
      }
    }
    let batch = slice.batch
    batch.offsets.withUnsafeBufferPointer { offsets in
      slice.places.withUnsafeBufferPointer { places in
        batch.values.withUnsafeBufferPointer { values in
          batch.labels.withUnsafeBufferPointer { labels in
            parameters.withUnsafeBufferPointer { parameters in
              work.denseVector.withUnsafeBufferPointer { dense in
                body(
                  SliceInput(
                    rows: batch.rows, fields: batch.fields, offsets: offsets.baseAddress!,
                    unique: places.start, values: values.start, labels: labels.start, parameters: parameters.start,
                    uniqueCount: parameters.count),
                  dense.start)
              }
            }
          }
        }
      }
    }
    withExtendedLifetime(work) {}
  }
}

extension UnsafeBufferPointer {
  /// Where it begins; for no elements, an address that is not read.
  fileprivate var start: UnsafePointer<Element> {
    baseAddress ?? UnsafePointer(bitPattern: MemoryLayout<Element>.alignment)!
  }
}
