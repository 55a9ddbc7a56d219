import DeepFM
import Features
import Sharding
import Worker

/// Scores encoded rows in one thread.
public final class BlockScorer {
  let model: ScoringModel
  private var assembler: StepAssembler
  private var computation: SliceComputation
  private let work = StepWork()
  private let others: Set<UInt64>
  private let absent: AbsentRows

  public init(_ model: ScoringModel) {
    // Threads are the caller's: a block's bits do not depend on how many there are.
    BLASThreads.set(1)
    self.model = model
    assembler = StepAssembler(otherKeys: model.usesAdmission ? model.encoding.otherKeys : [])
    computation = SliceComputation(model: model.model, rows: WorkerData.blockRows, seed: 0, clip: 0)
    others = Set(model.encoding.otherKeys.map(Rank.of))
    absent = AbsentRows(width: model.state.width)
  }

  /// The logits of rows, block by block.
  public func score(_ rows: Batch, _ body: (_ firstRow: Int, _ labels: [Float], _ logits: [Float]) -> Void) {
    let (state, others) = (model.state, others)
    for firstRow in stride(from: 0, to: rows.rows, by: WorkerData.blockRows) {
      work.begin(.scoring(round: 0, chunk: 0, firstRow: firstRow), view: 0, slices: [0], fields: rows.fields)
      for row in firstRow..<min(rows.rows, firstRow + WorkerData.blockRows) {
        work.parts[0].batch.append(rowsOf: rows, row)
      }
      assembler.assemble(work)
      work.fill(dense: state.dense) { rank in
        state.row(of: rank) ?? (model.usesAdmission && !others.contains(rank) ? absent.notAdmitted : absent.zeros)
      }
      body(firstRow, work.parts[0].batch.labels, computation.score(part: 0, of: work))
    }
  }

  /// How many of each hidden layer's neurons put out nothing for any of these rows: with `relu` they are dead, and learn nothing.
  public func idleNeurons(_ rows: Batch) -> [(idle: Int, neurons: Int)] {
    var isBusy: [[Bool]] = []
    score(rows) { _, labels, _ in
      let layers = computation.hiddenOutputs
      if isBusy.isEmpty { isBusy = layers.map { [Bool](repeating: false, count: $0.neurons) } }
      for (number, layer) in layers.enumerated() {
        for row in 0..<labels.count {
          for neuron in 0..<layer.neurons where layer.values[row * layer.neurons + neuron] != 0 {
            isBusy[number][neuron] = true
          }
        }
      }
    }
    return isBusy.map { layer in (layer.count { !$0 }, layer.count) }
  }

  /// The click probabilities of rows.
  public func probabilities(_ rows: Batch) -> [Float] {
    var all: [Float] = []
    all.reserveCapacity(rows.rows)
    score(rows) { _, _, logits in for logit in logits { all.append(Probability.of(logit)) } }
    return all
  }
}

/// What a server answers for features that have no rows.
private final class AbsentRows {
  let zeros: UnsafePointer<Float>
  let notAdmitted: UnsafePointer<Float>
  private let memory: UnsafeMutablePointer<Float>

  init(width: Int) {
    memory = .allocate(capacity: 2 * width)
    memory.initialize(repeating: 0, count: 2 * width)
    memory[width] = TableDescription.Admission.absent
    zeros = UnsafePointer(memory)
    notAdmitted = UnsafePointer(memory + width)
  }

  deinit { memory.deallocate() }
}
