import Sharding

/// Slots that change tables, when a view deals them anew: with their rows, candidates and history, and without copying a row.
extension Table {
  /// Takes slots from another table of the same description and clock. Its history is to be taken apart.
  mutating func take(_ slots: [Range<Int>], from other: inout Table) {
    precondition(stride == other.stride, "slots move between tables of the same rows")
    precondition(clock == other.clock || Mutant.rollBackOneOnly.isActive, "slots move between tables of the same clock")
    for slot in slots.joined() {
      rows.take(slot, from: &other.rows)
      candidates.take(slot, from: &other.candidates)
      changes[slot] = other.changes[slot]
    }
  }

  /// Forgets a slot, so that it can be restored.
  mutating func clear(slot: Int) {
    rows.clear(slot)
    candidates.clear(slot)
    changes[slot] = 0
  }

  /// Undoes from now on what the tables that the slots came from knew how to undo, as far back as all of them did.
  ///
  /// - Parameter parts: their logs, with the slots that came from each.
  mutating func takeHistory(_ parts: [(log: [UndoStep], slots: [Range<Int>])]) {
    guard let first = parts.first else { return log.replace([]) }
    let depth = parts.map(\.log.count).min() ?? 0
    let stride = stride
    log.replace(
      (0..<depth).map { back in
        let step = first.log[first.log.count - depth + back]
        return UndoStep(
          clock: step.clock, totals: step.totals,
          parts: parts.map { ($0.log[$0.log.count - depth + back], SlotSet($0.slots)) }, stride: stride)
      })
  }

  /// What the latest steps changed, the oldest first.
  var history: [UndoStep] { log.steps }
}

extension UndoStep {
  /// What steps of the same clock in several tables changed in some of their slots, as one.
  convenience init(
    clock: UInt64, totals: StepTotals, parts: [(step: UndoStep, slots: SlotSet)], stride: Int
  ) {
    self.init()
    func ranks(_ list: KeyPath<UndoStep, [UInt64]>) -> [UInt64] {
      parts.flatMap { part in part.step[keyPath: list].filter { part.slots.contains(Rank.slot(of: $0)) } }.sorted()
    }
    var saved: [(rank: UInt64, row: UnsafeMutablePointer<Float>)] = []
    var met: [(rank: UInt64, sightings: UInt32)] = []
    for (step, slots) in parts {
      for place in 0..<step.saved where slots.contains(Rank.slot(of: step.ranks[place])) {
        saved.append((step.ranks[place], step.rows + place * stride))
      }
      met += zip(step.candidates, step.sightings).filter { slots.contains(Rank.slot(of: $0.0)) }
        .map { (rank: $0.0, sightings: $0.1) }
    }
    saved.sort { $0.rank < $1.rank }
    met.sort { $0.rank < $1.rank }
    begin(clock: clock, totals: totals, rows: saved.count, stride: stride)
    for (rank, row) in saved { save(rank, row, stride: stride) }
    inserted = ranks(\.inserted)
    admitted = ranks(\.admitted)
    candidates = met.map(\.rank)
    sightings = met.map(\.sightings)
    changed = parts.flatMap { part in part.step.changed.filter { part.slots.contains($0.slot) } }
  }
}

extension SlotSet {
  init(_ slots: [Range<Int>]) {
    self.init()
    for slot in slots.joined() { insert(slot) }
  }
}
