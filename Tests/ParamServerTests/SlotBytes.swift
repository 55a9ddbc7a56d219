import Checkpoint

/// A slot as it is written.
struct SlotBytes: Equatable {
  var table: Int
  var slot: Int
  var bytes: [UInt8]

  init(table: Int, slot: Int, bytes: [UInt8]) {
    self.table = table
    self.slot = slot
    self.bytes = bytes
  }

  init(_ snapshot: SlotSnapshot) {
    self.init(table: snapshot.table, slot: snapshot.slot, bytes: snapshot.bytes)
  }

  func snapshot(width: Int) throws -> SlotSnapshot {
    try SlotSnapshot(bytes, table: table, slot: slot, width: width, stride: nil)
  }

  /// Its rows and candidates, without what they were before.
  func rows() -> ArraySlice<UInt8> {
    func number(_ offset: Int, _ size: Int) -> Int {
      bytes[offset..<offset + size].reversed().reduce(0) { $0 << 8 | Int($1) }
    }
    return bytes[24..<40] + bytes[56..<56 + number(24, 8) * (8 + number(20, 4) * 4) + number(32, 8) * 16]
  }
}

extension SlotBytes {
  /// Without those whose rows went; nil where nothing is left but what was.
  var withoutEvicted: SlotBytes? {
    let width = Int(bytes[16]) | Int(bytes[17]) << 8
    guard let found = try? snapshot(width: width) else { return nil }
    var snapshot = SlotSnapshot(
      table: table, slot: slot, width: width, stride: found.stride, earliest: found.earliest)
    found.forEachRow { snapshot.append($0, $1) }
    found.forEachCandidate { if $1.sightings > 0 { snapshot.append($0, $1) } }
    guard !snapshot.isEmpty else { return nil }
    for step in found.history { snapshot.append(step) }
    return SlotBytes(snapshot)
  }
}
