import DeepFM
import Job
import Sharding
import Wire

extension World {
  /// Ascending ranks of a table, all there are.
  func ranks(ofTable table: Int, view: UInt32) -> [UInt64] {
    table == ParameterTables.sparse ? ranks : denseRanks[Int(view) - 1]
  }

  /// Lives undisturbed with one server and one worker, and keeps every state.
  func takeReference() throws {
    denseRanks = try plans.map { settings in
      let model = try makeModel(settings.model.configuration(fields: index.fields))
      return (0..<UInt64(model.dense.count / DenseLayout.blockSize)).map { Rank.of($0) }.sorted()
    }
    var taken = Reference()
    var seen: Set<[UInt64]> = []
    let life = Life(.undisturbed(servers: 1, workers: 1, scenario: scenario), self) { [self] life, view in
      guard let clock = life.clock(ofServer: 0), life.sample != nil, view <= plans.count,
        !seen.contains([UInt64(view), clock])
      else { return }
      var isComplete = true
      for table in [ParameterTables.sparse, ParameterTables.dense] {
        for purpose in [Pull.Purpose.training, .scoring] {
          let ranks = ranks(ofTable: table, view: view).withUnsafeBufferPointer(Frame.init(copying:))
          let pull = Pull(table: table, clock: clock, purpose: purpose, ranks: ranks)
          guard let values = life.ask(pull, ofServer: 0, view: view) else {
            isComplete = false
            continue
          }
          taken.keep(
            values, .init(view: view, table: table, clock: clock, isScoring: purpose == .scoring))
        }
      }
      if isComplete { seen.insert([UInt64(view), clock]) }
    }
    try life.live()
    taken.results = life.results
    taken.checkpoints = life.checkpoints.map { $0.map(\.slots) }
    reference = taken
  }
}
