import Foundation
import Sharding
import Wire

/// One table with its clock: who may pull when, and when a step is applied.
///
/// A pull at clock c waits until every slice has pushed all steps before c, less the staleness (DESIGN.md, promise 2).
/// Only staleness 0 is served so far, in which a step is applied once, averaged over all its samples.
final class ServedTable {
  var table: Table
  private var tree: GradientTree
  /// Steps applied: the clock that pulls are held against.
  private(set) var applied: UInt64
  private var parked: [(message: Message, peer: Socket.Peer)] = []

  /// A worker asks for one step ahead, in parts; more would be a fault or an attack.
  static let mostParked = 4096

  init(_ table: consuming Table, slices: Int, applied: UInt64) {
    self.applied = applied
    tree = GradientTree(slices: slices, width: table.width)
    self.table = table
  }

  /// Whether a pull may be answered now. If not, it is kept until it may.
  ///
  /// - Returns: the rows, nil if the pull waits.
  func pull(_ message: Message, keys: UnsafeBufferPointer<UInt64>, from peer: Socket.Peer) -> Result<
    Message?, Refusal
  > {
    guard message.header.clock <= applied else {
      guard parked.count < Self.mostParked else { return .failure(Refusal("too many pulls wait")) }
      parked.append((message, peer))
      return .success(nil)
    }
    return .success(rows(message, keys: keys))
  }

  private func rows(_ message: Message, keys: UnsafeBufferPointer<UInt64>) -> Message {
    let frame = Frame(count: keys.count * table.width * 4)
    withExtendedLifetime((frame, message)) {
      if let target = frame.mutableElements(as: Float.self).baseAddress {
        table.gather(keys, absent: message.header.flags & Header.readOnly != 0 ? .zeros : .start, into: target)
      }
    }
    var header = message.header
    header.kind = .rows
    return Message(header, [frame])
  }

  /// Takes a push and, when it is the step's last, applies the step.
  ///
  /// - Returns: the answers to pulls that waited for it.
  func push(
    _ message: Message, count: Int
  ) -> Result<[(message: Message, peer: Socket.Peer)], Refusal> {
    let header = message.header
    // Applied already: a repetition, which must change nothing.
    guard header.clock >= applied else { return .success([]) }
    // No worker is ahead: each asks every server for the rows of a step, if only for none, before it pushes.
    guard header.clock == applied else {
      return .failure(Refusal("a push for step \(header.clock) came while step \(applied) is open"))
    }
    let part = GradientPart(
      node: header.node, part: Int(header.part), parts: Int(header.parts), samples: header.samples, lossSum: 0,
      ranks: message.payload[0].elements(as: UInt64.self), values: message.payload[1].elements(as: Float.self),
      owner: message.payload as NSArray)
    if case .malformed(let reason) = tree.add(part) { return .failure(Refusal(reason)) }
    guard let total = tree.total else { return .success([]) }
    table.apply(step: applied, gradients: total.rows, sightings: sightings(in: total), samples: total.samples)
    tree.clear()
    applied += 1
    let ready = parked.filter { $0.message.header.clock <= applied }
    parked.removeAll { $0.message.header.clock <= applied }
    return .success(
      ready.map { (rows($0.message, keys: $0.message.payload[0].elements(as: UInt64.self)), $0.peer) })
  }
}

extension ServedTable {
  /// Workers push sightings in the place of the gradients of keys without rows.
  private func sightings(in total: NodeSum) -> Sightings {
    var sightings = Sightings()
    total.rows.forEach { rank, values in
      guard table.rules.isCandidate(rank), values[0] > 0 else { return }
      sightings.append(rank: rank, count: UInt32(min(values[0], 0x1p24)))
    }
    return sightings
  }
}

/// Why a message is not served.
struct Refusal: Error {
  let sentence: String

  init(_ sentence: String) { self.sentence = sentence }
}
