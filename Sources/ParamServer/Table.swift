import Sharding
import Wire

/// One table's rows on one server.
///
/// A table has one owner and is never copied. Reading changes nothing: only `apply`, `rollBack` and `restore` do. Ranks
/// come ascending, so a request walks the slots in order.
package struct Table: ~Copyable {
  package let name: String
  package let number: Int
  let rules: RowRules
  /// Rows: parameters, then the optimizer's state.
  var rows: SlotStores
  /// How often keys that have no row were met, as the bits of a float, and when that changed last: 0 of one whose row went.
  var candidates = SlotStores(stride: 1 + RowClock.width)
  var log: UndoLog
  /// When slots changed last.
  let changes = SlotClocks()
  /// Steps applied: of an async table, those of which all slices are.
  package private(set) var clock: UInt64
  /// Of the steps applied since the epoch began.
  package private(set) var totals: StepTotals
  /// Rows that were evicted since the epoch began.
  var evicted = 0
  /// Of an async table.
  private(set) var ledger: Ledger?
  private let epochs: EpochClock
  /// What a checkpoint is to be written of.
  var held: HeldState?
  /// The clock of a committed checkpoint: no later one has to tell what went before it.
  var committedClock: UInt64 = 0

  /// - Parameters:
  ///   - number: the table's place among those of the model; its rows start differently from other tables'.
  ///   - clock: steps applied before, where a run goes on; `totals` are of these.
  ///   - epochs: when totals begin anew.
  ///   - undoDepth: how many of the latest steps can be undone.
  ///   - ledger: of an async table, which undoes nothing.
  /// - Throws: `ServerError.badTable` where the description contradicts itself.
  package init(
    _ description: TableDescription, number: Int, seed: UInt64, clock: UInt64 = 0, totals: StepTotals = StepTotals(),
    epochs: EpochClock = EpochClock(steps: 0), undoDepth: Int = 0, ledger: Ledger? = nil
  ) throws(ServerError) {
    rules = try RowRules(description, number: number, seed: seed)
    name = description.name
    self.number = number
    self.clock = clock
    self.totals = totals
    self.epochs = epochs
    rows = SlotStores(stride: rules.stride)
    self.ledger = ledger
    log = UndoLog(depth: ledger == nil ? undoDepth : 0)
  }

  /// Parameters of a row.
  package var width: Int { rules.width }
  /// Floats that a step brings for a row: its gradient, and shows and clicks where these count.
  package var gradientWidth: Int { rules.gradientWidth }
  /// Floats of a row with its optimizer state and its clock.
  package var stride: Int { rules.stride }
  /// Rows that the table holds.
  package var rowCount: Int { rows.count }
  package var candidateCount: Int { candidates.count }
  /// Bytes allocated for rows, candidates, the undo log and what is kept for a checkpoint.
  package var bytes: Int {
    rows.bytes + (rules.hasCandidates ? candidates.bytes : 0) + log.bytes + (held?.bytes ?? 0)
  }

  // MARK: Reading

  /// What a key reads as that has no row.
  package enum Absent: Sendable {
    /// The row that a step would begin with; or, with admission, one that begins with `Admission.absent`.
    case start
    /// Zeros; or, with admission, one that begins with `Admission.absent`.
    case zeros
  }

  /// Copies the parameters of `ranks` to `values`, `[ranks.count x width]`.
  package func gather(
    _ ranks: UnsafeBufferPointer<UInt64>, absent: Absent = .start, into values: UnsafeMutablePointer<Float>
  ) {
    var target = values
    for rank in ranks {
      if let row = rows.row(of: rank) {
        for column in 0..<width { target[column] = row[column] }
      } else {
        fill(target, for: rank, absent: absent)
      }
      target += width
    }
  }

  /// Writes what a key reads as that has no row.
  func fill(_ target: UnsafeMutablePointer<Float>, for rank: UInt64, absent: Absent) {
    if rules.isCandidate(rank) {
      target.update(repeating: 0, count: width)
      target[0] = TableDescription.Admission.absent
      return
    }
    switch absent {
    case .start: rules.start(of: rank, into: target)
    case .zeros: target.update(repeating: 0, count: width)
    }
  }

  // MARK: Applying

  /// Applies a step: every row follows its gradient, averaged over the samples; a key that has none yet begins with its
  /// start. With admission, the gradient of a key that is not admitted is dropped, and so are sightings of one that is;
  /// a key that has been met often enough gets its row, to be read from the next step on. Then rows go that the table's rule
  /// takes.
  ///
  /// - Parameters:
  ///   - step: the clock, which goes on by one.
  ///   - gradients: summed over the samples; ascending, `gradientWidth` wide.
  ///   - sightings: how often each key without a row was met.
  ///   - samples: rows of data behind the step; without any, it changes nothing but the clock.
  package mutating func apply(
    step: UInt64, gradients: SortedRows<UInt64>, sightings: Sightings = Sightings(), samples: UInt64,
    lossSum: Double = 0
  ) {
    precondition(step == clock, "step \(step) is applied where step \(clock) is due")
    precondition(gradients.width == gradientWidth)
    let undo = log.begin(clock: clock, totals: totals, evicted: evicted, rows: gradients.count, stride: stride)
    clock += 1
    if epochs.begins(at: step) { (totals, evicted) = (StepTotals(), 0) }
    if samples > 0 {
      totals.rows += samples
      totals.lossSum += lossSum
      update(
        gradients, sightings, scale: 1 / Float(samples), rate: rules.learningRate(atStep: step), stamp: clock, undo)
    }
    evict(after: step, undo)
  }

  /// Applies what one slice of a step came to, as it arrives, to those slots that have not had it (ARCHITECTURE.md, promise 2).
  ///
  /// It is a step of the optimizer of its own: the gradient is the mean over the slice's samples, the rate the step's, divided
  /// for each row as `RowOptimizer.rateDivisor` says. Plain SGD then expects to go where it goes in sync mode, as long as slices have
  /// equally many samples, which all steps but an epoch's last have; L2 is charged to a row for each slice that touches it.
  ///
  /// - Returns: whether it was new to all slots.
  package mutating func apply(slice: Int, step: UInt64, _ sum: NodeSum) -> Bool {
    precondition(ledger != nil, "only async tables take a slice at a time")
    let due = ledger!.note(slice, step: step, samples: sum.samples, lossSum: sum.lossSum)
    (clock, totals) = (ledger!.clock, ledger!.totals)
    let share = RowOptimizer.Share(slices: ledger!.slices, applied: ledger!.clock * UInt64(ledger!.slices))
    func update(onlyIn slots: SlotSet?) {
      guard sum.samples > 0 else { return }
      self.update(
        sum.rows, sum.sightings, scale: 1 / Float(sum.samples), rate: rules.learningRate(atStep: step),
        stamp: step + 1, nil, share, onlyIn: slots)
    }
    switch due {
    case .all: update(onlyIn: nil)
    case _ where Mutant.forgetLedger.isActive: update(onlyIn: nil)
    case .some(let slots): update(onlyIn: slots)
    case .none: break
    }
    if case .all = due { return true }
    return false
  }

  /// - Parameters:
  ///   - stamp: the clock that what changes has changed at.
  ///   - share: of an async table, which applies a step in slices.
  ///   - slots: where nothing else is to change; nil: anywhere.
  private mutating func update(
    _ gradients: SortedRows<UInt64>, _ sightings: Sightings, scale: Float, rate: Float, stamp: UInt64,
    _ undo: UndoStep?, _ share: RowOptimizer.Share? = nil, onlyIn slots: SlotSet? = nil
  ) {
    // Ranks ascend, so a slot's come one after the other.
    var slot = -1
    // Read through `self` they would be copied for each row.
    let (held, stride, rules) = (held, stride, rules)
    gradients.forEach { rank, sum in
      if let slots, !slots.contains(Rank.slot(of: rank)) { return }
      let row: UnsafeMutablePointer<Float>
      var stamp = stamp
      if let known = rows.row(of: rank) {
        held?.keep(rank, row: known)
        undo?.save(rank, known, stride: stride)
        stamp = max(stamp, RowClock.of(known, stride: stride))
        row = known
      } else {
        if rules.isCandidate(rank) { return }
        undo?.inserted.append(rank)
        if rules.eviction != nil { setSightings(of: rank, to: 0, at: 0, undo) }
        row = insert(rank)
      }
      if Rank.slot(of: rank) != slot {
        slot = Rank.slot(of: rank)
        noteChange(of: slot, at: stamp, undo)
      }
      let divisor = share.map { rules.optimizer.rateDivisor(of: row, $0) } ?? 1
      rules.update(row, of: rank, sum: sum, scale: scale, rate: rate / divisor)
      rules.eviction?.count(sum + rules.width, in: row, at: stamp)
      RowClock.set(row, stride: stride, to: stamp)
    }
    if let wanted = rules.sightings {
      for (rank, count) in zip(sightings.ranks, sightings.counts) where count > 0 && rules.isCandidate(rank) {
        guard rows.row(of: rank) == nil, slots?.contains(Rank.slot(of: rank)) ?? true else { continue }
        note(rank, met: count, wanted: wanted, stamp: stamp, undo: undo)
        if changes[Rank.slot(of: rank)] < stamp { noteChange(of: Rank.slot(of: rank), at: stamp, undo) }
      }
    }
  }

  @inline(__always)
  func noteChange(of slot: Int, at stamp: UInt64, _ undo: UndoStep?) {
    undo?.changed.append((slot, changes[slot]))
    changes[slot] = max(changes[slot], stamp)
  }

  private mutating func insert(_ rank: UInt64) -> UnsafeMutablePointer<Float> {
    let row = rows.insert(rank)
    (row + width).update(repeating: 0, count: stride - width)
    rules.start(of: rank, into: row)
    return row
  }

  /// Counts a candidate's sightings; once there are enough it has a row.
  private mutating func note(_ rank: UInt64, met: UInt32, wanted: Int, stamp: UInt64, undo: UndoStep?) {
    let now = sightings(of: rank).addingClamped(met)
    guard Int(now) >= wanted || now == .max else { return setSightings(of: rank, to: now, at: stamp, undo) }
    setSightings(of: rank, to: 0, at: 0, undo)
    undo?.admitted.append(rank)
    RowClock.set(insert(rank), stride: stride, to: stamp)
  }

  /// 0 for a key that is no candidate.
  func sightings(of rank: UInt64) -> UInt32 { candidates.row(of: rank)?.pointee.bitPattern ?? 0 }

  /// Notes that a key without a row was met so often by a clock. None of a clock: its row went then. None at 0: nothing is
  /// known of it.
  mutating func setSightings(of rank: UInt64, to count: UInt32, at stamp: UInt64, _ undo: UndoStep? = nil) {
    let known = candidates.row(of: rank)
    if known == nil, count == 0, stamp == 0 { return }
    if let known { held?.keep(rank, candidate: known) }
    undo?.candidates.append(rank)
    undo?.sightings.append(known?.pointee.bitPattern ?? 0)
    undo?.sightedAt.append(known.map { RowClock.of($0, stride: candidates.stride) } ?? 0)
    if count == 0, stamp == 0 { return candidates.remove(rank) }
    let candidate = known ?? candidates.insert(rank)
    candidate.pointee = Float(bitPattern: count)
    RowClock.set(candidate, stride: candidates.stride, to: stamp)
  }

  // MARK: Undoing

  /// Makes the latest step as if it had never been, to the bit.
  mutating func undoLatest() {
    let step = log.removeLast()
    for rank in step.inserted { rows.remove(rank) }
    for rank in step.admitted { rows.remove(rank) }
    for place in 0..<step.saved {
      rows.row(of: step.ranks[place])!.update(from: step.rows + place * stride, count: stride)
    }
    for place in step.saved..<step.saved + step.evicted where !Mutant.keepEvicted.isActive {
      rows.insert(step.ranks[place]).update(from: step.rows + place * stride, count: stride)
    }
    for (place, rank) in step.candidates.enumerated() {
      setSightings(of: rank, to: step.sightings[place], at: step.sightedAt[place])
    }
    for (slot, before) in step.changed { changes[slot] = before }
    (clock, totals, evicted) = (step.clock, step.totals, step.evictedBefore)
  }

  // MARK: Slots

  /// Slots that hold rows, ascending.
  package var filledSlots: [Int] { rows.filled.slots }
  /// Slots that hold rows or candidates, ascending.
  package var slots: [Int] {
    var all = rows.filled
    all.formUnion(candidates.filled)
    return all.slots
  }

  /// Slots that steps from `clock` on changed, ascending; all that hold something, where it is nil.
  package func slots(changedSince clock: UInt64?) -> [Int] {
    guard let clock else { return slots }
    return slots.filter { changes[$0] > clock }
  }

  /// Bytes allocated for the rows and candidates of one slot.
  func bytes(of slot: Int) -> Int {
    rows[slot].bytes(stride: stride) + candidates[slot].bytes(stride: candidates.stride)
  }

  func beginsEpoch(at step: UInt64) -> Bool { epochs.begins(at: step) }

  /// Follows an async table's ledger, where slots came or went.
  mutating func keep(_ ledger: Ledger) { (self.ledger, clock, totals) = (ledger, ledger.clock, ledger.totals) }
}
