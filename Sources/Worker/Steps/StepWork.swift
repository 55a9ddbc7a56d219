import Features

/// One slice of a step, encoded.
package struct SlicePart {
  package var slice: Int
  package var batch: Batch
  /// Per entry of the batch: the position in `uniques` of its rank.
  package internal(set) var places: [UInt32] = []
  /// Ascending places, among the step's ranks, of those that this slice touches.
  package internal(set) var uniques: [UInt32] = []
  /// What it takes to put another row in the place of one that is not admitted; empty without admission.
  package internal(set) var substitution = Substitution()

  package struct Substitution {
    /// By field: the position in `uniques` of the rank that stands for those not admitted.
    package internal(set) var others: [UInt32] = []
    /// Per distinct rank: the first field it occurs in, and how often it occurs in the slice.
    package internal(set) var fields: [UInt16] = []
    package internal(set) var sightings: [UInt32] = []
  }

  package init(slice: Int, batch: Batch) {
    self.slice = slice
    self.batch = batch
  }
}

/// What a worker does for one step of training, or for one block of rows to be scored, on its way through the threads.
///
/// `@unchecked Sendable`: handed over, never shared. A reading thread fills it, the core pulls its rows, then the compute
/// threads read it, each one part; at last it goes back to the reading thread.
package final class StepWork: @unchecked Sendable {
  package enum Purpose: Hashable, Sendable {
    case training(step: UInt64)
    case scoring(round: Int, chunk: Int, firstRow: Int)
  }

  /// The view that it was read in: what is of an older one is of no interest.
  package private(set) var view: UInt32 = 0
  package private(set) var purpose = Purpose.training(step: 0)
  package var parts: [SlicePart] = []
  /// The distinct ranks, ascending.
  package internal(set) var ranks: [UInt64] = []
  var sparse = TablePull()
  var dense = TablePull()
  /// The dense parameters in one piece, once they are here.
  var denseVector: [Float] = []

  package init() {}

  /// Makes the work new, in memory that it has already: parts with batches of nothing.
  package func begin(_ purpose: Purpose, view: UInt32, slices: [Int], fields: Int) {
    self.view = view
    self.purpose = purpose
    if parts.map(\.slice) != slices || parts.contains(where: { $0.batch.fields != fields }) {
      parts = slices.map { SlicePart(slice: $0, batch: Batch(fields: fields)) }
    }
    for part in parts.indices { parts[part].batch.reset() }
    ranks.removeAll(keepingCapacity: true)
    sparse.reset()
    dense.reset()
  }

  /// Takes parameters that are in this process.
  ///
  /// - Parameter row: of a rank; it must stay where it is until the work is begun anew.
  package func fill(dense: [Float], row: (UInt64) -> UnsafePointer<Float>) {
    sparse.fill(ranks, row: row)
    denseVector = dense
  }

  /// Rows of data.
  package var rows: Int { parts.reduce(0) { $0 + $1.batch.rows } }
  var isPulled: Bool { sparse.isComplete && dense.isComplete }
}
