import Sharding

/// A slot that changed, laid over what it was.
extension SlotSnapshot {
  /// The slot as this version leaves it: its rows and candidates take the place of those of the same rank, and the others
  /// stay. A key that has a row is no candidate any more, and a candidate has no row any more. The steps are this version's,
  /// which are the latest.
  ///
  /// - Throws: `SnapshotError` where the two are not of one table.
  public func laid(over base: SlotSnapshot) throws(SnapshotError) -> SlotSnapshot {
    guard base.table == table, base.slot == slot, base.width == width, base.stride == stride else {
      throw .otherTable
    }
    var merged = SlotSnapshot(
      table: table, slot: slot, width: width, stride: stride, earliest: earliest, reservingRows: base.count + count)
    bytes.withUnsafeBytes { new in
      base.bytes.withUnsafeBytes { old in
        let rows = Entries(of: self, in: new)
        let (candidates, waiting) = (Entries(candidatesOf: self, in: new), Entries(candidatesOf: base, in: old))
        Entries.merge(rows, Entries(of: base, in: old), without: candidates) {
          merged.bytes.append(contentsOf: $0)
          merged.count += 1
        }
        Entries.merge(candidates, waiting, without: rows) {
          merged.bytes.append(contentsOf: $0)
          merged.candidates += 1
        }
      }
    }
    merged.bytes += bytes[startOfSteps...]
    merged.steps = steps
    merged.put(merged.count, at: 24)
    merged.put(merged.candidates, at: 32)
    merged.put(steps, at: 48)
    return merged
  }
}

/// Equally long pieces of a snapshot's bytes, each beginning with its rank; ranks ascend.
private struct Entries {
  private let bytes: UnsafeRawBufferPointer
  private let size: Int
  private let count: Int

  init(of snapshot: SlotSnapshot, in bytes: UnsafeRawBufferPointer) {
    size = 8 + snapshot.stride * 4
    count = snapshot.count
    self.bytes = UnsafeRawBufferPointer(rebasing: bytes[SlotSnapshot.headerSize...].prefix(count * size))
  }

  init(candidatesOf snapshot: SlotSnapshot, in bytes: UnsafeRawBufferPointer) {
    size = SlotSnapshot.candidateSize
    count = snapshot.candidates
    self.bytes = UnsafeRawBufferPointer(rebasing: bytes[..<snapshot.startOfSteps].suffix(count * size))
  }

  private func rank(_ position: Int) -> UInt64 {
    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position * size, as: UInt64.self))
  }

  private subscript(position: Int) -> Slice<UnsafeRawBufferPointer> {
    bytes[position * size..<(position + 1) * size]
  }

  /// Calls `body` with the entries of both, ascending; where a rank is in both, with the newer one.
  ///
  /// - Parameter others: older entries of these ranks are left out.
  static func merge(
    _ newer: Entries, _ older: Entries, without others: Entries? = nil, _ body: (Slice<UnsafeRawBufferPointer>) -> Void
  ) {
    var (new, other) = (0, 0)
    for old in 0..<older.count {
      let rank = older.rank(old)
      while new < newer.count, newer.rank(new) < rank {
        body(newer[new])
        new += 1
      }
      if new < newer.count, newer.rank(new) == rank { continue }
      if let others {
        while other < others.count, others.rank(other) < rank { other += 1 }
        if other < others.count, others.rank(other) == rank { continue }
      }
      body(older[old])
    }
    for new in new..<newer.count { body(newer[new]) }
  }
}
