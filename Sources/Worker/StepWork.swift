import Features
import Wire

/// One slice of a step, encoded.
struct SlicePart {
  var slice: Int
  var batch: Batch
  /// Per entry of the batch: the position in `uniques` of its key.
  var places: [UInt32] = []
  /// Ascending places, among the step's keys, of the keys this slice touches.
  var uniques: [UInt32] = []
  /// What it takes to put another row in the place of one that is not admitted; empty without admission.
  var substitution = Substitution()

  struct Substitution {
    /// By field: the position in `uniques` of the key that stands for those not admitted.
    var others: [UInt32] = []
    /// Per distinct key: the first field it occurs in, and how often it occurs in the slice.
    var fields: [UInt16] = []
    var sightings: [UInt32] = []
  }
}

/// What a worker does for one step of training, or for one block of evaluation rows, on its way through the threads.
///
/// `@unchecked Sendable`: handed over, never shared. The reader fills it, the network thread pulls its rows, then the
/// compute threads read it (each one part), and the network thread sends it back to the reader.
final class StepWork: @unchecked Sendable {
  enum Purpose: Equatable {
    case training(step: UInt64)
    case evaluation(round: Int, chunk: Int, firstRow: Int)
  }

  var purpose = Purpose.training(step: 0)
  var parts: [SlicePart] = []
  /// The distinct keys, by ascending rank.
  var keys: [UInt64] = []
  var sparse = TablePull()
  var dense = TablePull()
  /// The dense parameters in one piece, once they are here.
  var denseVector: [Float] = []

  var rows: Int { parts.reduce(0) { $0 + $1.batch.rows } }
  var isPulled: Bool { sparse.isComplete && dense.isComplete }
}
