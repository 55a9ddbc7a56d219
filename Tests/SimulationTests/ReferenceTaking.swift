import DeepFM
import Job
import Sharding
import Wire

extension Life {
  /// Asks a server for rows, beside what happens.
  func ask(_ pull: Pull, ofServer number: Int) -> [Float]? {
    guard var envelope = sample, let server = servers[number] else { return nil }
    envelope.preamble.request = 1 << 55
    envelope.preamble.oldest = 0
    envelope.preamble.view = catalogue.history.lastView?.number ?? 0
    envelope.message = .pull(pull)
    for case .send(let answer, _) in server.core.receive(.received(envelope, from: Route(bytes: [9])), at: now) {
      if case .rows(let rows) = answer.message {
        return withExtendedLifetime(rows) { Array(rows.values.elements(as: Float.self)) }
      }
    }
    return nil
  }
}

extension World {
  /// Ascending ranks of a table, all there are.
  func ranks(ofTable table: Int, stage: Int) -> [UInt64] {
    table == ParameterTables.sparse ? ranks : denseRanks[stage]
  }

  /// Lives undisturbed with one server and one worker, and keeps every state.
  func takeReference() throws {
    denseRanks = try plans.map { settings in
      let model = try makeModel(settings.modelConfiguration(fields: index.fields))
      return (0..<UInt64(model.dense.count / DenseLayout.blockSize)).map { Rank.of($0) }.sorted()
    }
    var taken = Reference()
    var seen: Set<[UInt64]> = []
    let life = Life(.undisturbed(servers: 1, workers: 1, scenario: scenario), self) { [self] life in
      guard let stage = life.catalogue.history.lastView?.stage, let clock = life.servers[0]?.core.clock,
        life.sample != nil, !seen.contains([UInt64(stage), clock])
      else { return }
      var isComplete = true
      for table in [ParameterTables.sparse, ParameterTables.dense] {
        for purpose in [Pull.Purpose.training, .scoring] {
          let ranks = ranks(ofTable: table, stage: stage).withUnsafeBufferPointer(Frame.init(copying:))
          let pull = Pull(group: 0, table: table, clock: clock, purpose: purpose, ranks: ranks)
          guard let values = life.ask(pull, ofServer: 0) else {
            isComplete = false
            continue
          }
          taken.keep(values, .init(stage: stage, table: table, clock: clock, isScoring: purpose == .scoring))
        }
      }
      if isComplete { seen.insert([UInt64(stage), clock]) }
    }
    try life.live()
    taken.results = life.results
    reference = taken
  }
}
