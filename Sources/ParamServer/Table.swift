import Wire

/// One table's rows on one server.
///
/// Keys come sorted by `SlotOrder.rank`, so a request walks the slots in order.
final class Table {
  let name: String
  let number: Int
  let width: Int
  /// Floats of a row with its optimizer state.
  let stride: Int
  private let description: OptimizerDescription
  private let optimizer: RowOptimizer
  private let generator: CounterGenerator
  private let regions: [TableDescription.Region]
  /// Per region `[width]`.
  private let l2: [[Float]]
  private let admission: TableDescription.Admission?
  private let alwaysAdmitted: Set<UInt64>
  private let slots: UnsafeMutablePointer<SlotStore>
  /// By slot, how often keys that have no row yet were met; empty without admission.
  private var candidates: [[UInt64: UInt32]]
  private(set) var rows = 0

  /// - Throws: `ServerError.badTable` where the description contradicts itself.
  init(_ description: TableDescription, number: Int, seed: UInt64) throws {
    let width = description.width
    func require(_ condition: Bool, _ reason: String) throws {
      if !condition { throw ServerError.badTable(name: description.name, reason: reason) }
    }
    try require(width > 0 && width <= 1 << 20, "its rows are \(width) wide")
    for region in description.regions {
      let sum = region.columns.reduce(0) { $0 + $1.width }
      try require(sum == width && region.columns.allSatisfy { $0.width > 0 }, "its regions are not equally wide")
    }
    try require(description.regions[0].firstKey == 0, "its first region does not start at key 0")
    try require(
      zip(description.regions, description.regions.dropFirst()).allSatisfy { $0.firstKey < $1.firstKey },
      "its regions are not in order")
    try require(description.admission.map { $0.sightings >= 1 } ?? true, "it admits keys after less than 1 sighting")
    name = description.name
    self.number = number
    self.width = width
    self.description = description.optimizer
    optimizer = RowOptimizer(description.optimizer.rule, width: width)
    stride = width + optimizer.stateWidth
    generator = CounterGenerator(seed: seed, table: number)
    regions = description.regions
    l2 = regions.map { $0.columns.flatMap { [Float](repeating: Float($0.l2), count: $0.width) } }
    admission = description.admission
    alwaysAdmitted = Set(description.admission?.always ?? [])
    candidates = description.admission == nil ? [] : Array(repeating: [:], count: SlotOrder.slots)
    slots = .allocate(capacity: SlotOrder.slots)
    slots.initialize(repeating: SlotStore(), count: SlotOrder.slots)
  }

  deinit {
    for slot in 0..<SlotOrder.slots { slots[slot].deallocate() }
    slots.deallocate()
  }

  var bytes: Int {
    let rows = (0..<SlotOrder.slots).reduce(SlotOrder.slots * MemoryLayout<SlotStore>.stride) {
      $0 + slots[$1].bytes(stride: stride)
    }
    return rows + candidates.reduce(0) { $0 + $1.capacity * 16 }
  }

  private func region(of key: UInt64) -> Int {
    var low = 0
    var high = regions.count
    while low + 1 < high {
      let middle = (low + high) / 2
      if regions[middle].firstKey <= key { low = middle } else { high = middle }
    }
    return low
  }

  /// The row of a key, made if it is not there.
  @inline(__always)
  private func row(of key: UInt64, rank: UInt64) -> UnsafeMutablePointer<Float> {
    let slot = slots + SlotOrder.slot(ofRank: rank)
    let position = slot.pointee.find(key, rank: rank)
    return position >= 0 ? slot.pointee.row(at: position, stride: stride) : create(key, rank: rank)
  }

  private func create(_ key: UInt64, rank: UInt64) -> UnsafeMutablePointer<Float> {
    let slot = slots + SlotOrder.slot(ofRank: rank)
    let position = slot.pointee.insert(key, rank: rank, stride: stride)
    slot.pointee.isDirty = true
    rows += 1
    let row = slot.pointee.row(at: position, stride: stride)
    row.update(repeating: 0, count: stride)
    generator.fill(row, key: key, columns: regions[region(of: key)].columns)
    return row
  }

  /// Copies the parameters of `keys` to `values`, `[keys.count x width]`.
  ///
  /// - Parameter readOnly: keys that have no row read as zeros and get none. With admission, whether read-only or not, keys
  ///   that are not admitted read as absent rows.
  func pull(_ keys: UnsafeBufferPointer<UInt64>, readOnly: Bool, into values: UnsafeMutablePointer<Float>) {
    var target = values
    for key in keys {
      let rank = SlotOrder.rank(of: key)
      if readOnly || admission != nil {
        let slot = slots + SlotOrder.slot(ofRank: rank)
        let position = slot.pointee.find(key, rank: rank)
        if position >= 0 {
          copy(slot.pointee.row(at: position, stride: stride), to: target)
        } else if admission != nil, !alwaysAdmitted.contains(key) {
          target.update(repeating: 0, count: width)
          target[0] = TableDescription.Admission.absent
        } else if readOnly {
          target.update(repeating: 0, count: width)
        } else {
          copy(create(key, rank: rank), to: target)
        }
      } else {
        copy(row(of: key, rank: rank), to: target)
      }
      target += width
    }
  }

  @inline(__always)
  private func copy(_ row: UnsafeMutablePointer<Float>, to target: UnsafeMutablePointer<Float>) {
    for column in 0..<width { target[column] = row[column] }
  }

  /// Updates the rows of `keys` by their gradients, summed over samples and scaled by `scale`, as of step `step`.
  func apply(_ keys: UnsafePointer<UInt64>, sums: UnsafePointer<Float>, count: Int, scale: Float, step: UInt64) {
    let rate = Float(description.learningRate(atStep: step))
    for i in 0..<count {
      let key = keys[i]
      let rank = SlotOrder.rank(of: key)
      if let admission, isCandidate(key, rank: rank) {
        noteSightings(of: key, rank: rank, sums[i * width], admission)
        continue
      }
      let row = row(of: key, rank: rank)
      slots[SlotOrder.slot(ofRank: rank)].isDirty = true
      l2[region(of: key)].withUnsafeBufferPointer {
        optimizer.apply(to: row, sum: sums + i * width, scale: scale, l2: $0.baseAddress!, rate: rate)
      }
    }
  }

  // MARK: Admission

  private func isCandidate(_ key: UInt64, rank: UInt64) -> Bool {
    slots[SlotOrder.slot(ofRank: rank)].find(key, rank: rank) < 0 && !alwaysAdmitted.contains(key)
  }

  /// Counts a key's sightings; once there are enough it has a row.
  private func noteSightings(of key: UInt64, rank: UInt64, _ sightings: Float, _ admission: TableDescription.Admission)
  {
    let slot = SlotOrder.slot(ofRank: rank)
    slots[slot].isDirty = true
    // Whatever was pushed, this is a number.
    let met = UInt32(min(max(sightings.isFinite ? sightings : 0, 0), 0x1p24)) + candidates[slot][key, default: 0]
    if met >= admission.sightings {
      candidates[slot][key] = nil
      _ = create(key, rank: rank)
    } else {
      candidates[slot][key] = met
    }
  }

  // MARK: Slots

  var dirtySlots: [Int] { (0..<SlotOrder.slots).filter { slots[$0].isDirty } }
  var filledSlots: [Int] { (0..<SlotOrder.slots).filter { slots[$0].count > 0 } }

  /// The slot as it is; the caller decides when it counts as clean.
  func snapshot(slot: Int) -> SlotSnapshot {
    let store = slots[slot]
    var snapshot = SlotSnapshot(table: number, slot: slot, width: width, stride: stride)
    for position in store.positionsByKey() {
      snapshot.append(store.key(at: position), store.row(at: position, stride: stride))
    }
    if admission != nil {
      for key in candidates[slot].keys.sorted() { snapshot.append(candidate: key, sightings: candidates[slot][key]!) }
    }
    return snapshot
  }

  func markClean(slot: Int) { slots[slot].isDirty = false }

  /// Puts a snapshot's rows where they were: with the optimizer's state, or without it where another optimizer wrote it.
  /// The slot must be empty.
  func restore(_ snapshot: SlotSnapshot, isDirty: Bool, keepsState: Bool = true) {
    let slot = slots + snapshot.slot
    snapshot.forEachRow { key, values in
      let position = slot.pointee.insert(key, rank: SlotOrder.rank(of: key), stride: stride)
      let row = slot.pointee.row(at: position, stride: stride)
      row.update(from: values, count: keepsState ? stride : width)
      if !keepsState { (row + width).update(repeating: 0, count: stride - width) }
    }
    if admission != nil {
      snapshot.forEachCandidate { candidates[snapshot.slot][$0] = $1 }
    }
    slot.pointee.isDirty = isDirty
    rows += snapshot.count
  }

  func digest(slot: Int) -> SlotDigest {
    let store = slots[slot]
    var hash = SHA256()
    for position in store.positionsByKey() {
      withUnsafeBytes(of: store.key(at: position).littleEndian) { hash.update($0) }
      hash.update(UnsafeRawBufferPointer(start: store.row(at: position, stride: stride), count: width * 4))
    }
    return SlotDigest(table: number, slot: slot, sha256: hash.finish())
  }
}
