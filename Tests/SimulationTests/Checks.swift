import Coordinator
import Foundation
import Job
import Sharding
import Wire

/// A promise that a life broke.
struct Violation: Error, CustomStringConvertible {
  let text: String
  var description: String { text }

  init(_ text: String) { self.text = text }
}

/// Checks that every row a server sends to a worker has the bits of the reference at the clock that was asked for. A final
/// digest would miss errors that cancel.
struct PullCheck {
  private let world: World
  /// By worker, server and request: what was asked.
  private var pulls: [Place: Pull] = [:]
  private(set) var rowsChecked = 0

  private struct Place: Hashable {
    var worker: Int
    var server: Int
    var view: UInt32
    var request: UInt64
  }

  init(_ world: World) { self.world = world }

  mutating func asked(_ envelope: Envelope, by worker: Int, of server: Int) {
    guard case .pull(let pull) = envelope.message else { return }
    let preamble = envelope.preamble
    pulls[Place(worker: worker, server: server, view: preamble.view, request: preamble.request)] = pull
  }

  mutating func answered(
    _ envelope: Envelope, by server: Int, to worker: Int, _ catalogue: SimulatedCatalogue
  ) throws {
    guard case .rows(let rows) = envelope.message, let reference = world.reference else { return }
    let preamble = envelope.preamble
    let place = Place(worker: worker, server: server, view: preamble.view, request: preamble.request)
    // Strangers' questions are not kept.
    // What training reads of an async table is whatever is there.
    guard let pull = pulls[place], pull.purpose == .scoring || !world.isAsync(pull.table),
      let stage = catalogue.stages[preamble.view]
    else { return }
    let key = Reference.Key(
      stage: stage, table: pull.table, clock: pull.clock, isScoring: pull.purpose == .scoring)
    guard let state = reference.state(key) else {
      throw Violation("server \(server) answered for step \(pull.clock) of table \(pull.table), which there never is")
    }
    let ranks = world.ranks(ofTable: pull.table, stage: stage)
    let width = state.count / ranks.count
    try withExtendedLifetime((rows, pull)) {
      let asked = pull.ranks.elements(as: UInt64.self)
      let values = rows.values.elements(as: Float.self)
      guard values.count == asked.count * width else { throw Violation("rows of another width") }
      for (place, rank) in asked.enumerated() {
        let known = ranks.position(ofFirstAtLeast: rank)
        for column in 0..<width {
          let (value, wanted) = (values[place * width + column], state[known * width + column])
          guard !world.isSame(value, as: wanted) else { continue }
          throw Violation(
            "server \(server) answered a pull of step \(pull.clock) of table \(pull.table) in view \(preamble.view) with "
              + "other bits than the undisturbed run's, for rank \(rank): \(value), not \(wanted)")
        }
      }
      rowsChecked += asked.count
    }
  }
}

/// What a life came to, against the reference.
enum EndCheck {
  /// - Parameter isExact: to the bit.
  static func check(_ results: [RunResult?], against reference: Reference, isExact: Bool) throws {
    guard results.last! != nil else { throw Violation("the last undertaking came to nothing") }
    for case (let result?, let wanted?) in zip(results, reference.results) {
      guard result.rows == wanted.rows else { throw Violation("trained on \(result.rows) rows of \(wanted.rows)") }
      guard !isExact || result.parameterDigest == wanted.parameterDigest else {
        throw Violation("another parameter digest")
      }
      guard result.epochs.count == wanted.epochs.count else { throw Violation("\(result.epochs.count) epochs") }
      for (epoch, other) in zip(result.epochs, wanted.epochs) {
        guard epoch.steps == other.steps, epoch.rows == other.rows,
          isSame(epoch.trainLogloss, other.trainLogloss, isExact)
        else { throw Violation("epoch \(epoch.epoch): training metrics differ") }
        guard !isExact || epoch.auc == other.auc, isSame(epoch.logloss ?? 0, other.logloss ?? 0, isExact) else {
          throw Violation("epoch \(epoch.epoch): validation metrics differ")
        }
      }
    }
  }

  private static func isSame(_ value: Double, _ wanted: Double, _ isExact: Bool) -> Bool {
    value.bitPattern == wanted.bitPattern || !isExact && abs(value - wanted) < 1e-4
  }
}
