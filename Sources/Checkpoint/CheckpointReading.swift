import Sharding

/// Reads checkpoints: what changed, laid over what they stand on.
public enum CheckpointReading {
  /// Reads every wanted slot of a checkpoint, whichever servers wrote it. Slots are read one at a time.
  ///
  /// What was there when reading began is there to its end, whatever a run that still trains drops meanwhile.
  ///
  /// - Parameters:
  ///   - run: the number of the run that wrote it.
  ///   - chain: what the checkpoint stands on, the oldest first, and it.
  ///   - body: takes the slots in ascending order of tables and slots, and the file that spoke of each last.
  /// - Throws: `CheckpointError`, and what `body` throws.
  public static func read(
    run: UInt64, _ chain: [CheckpointFiles], wanted: (_ table: Int, _ slot: Int) -> Bool = { _, _ in true },
    body: (_ path: String, SlotSnapshot) throws -> Void
  ) throws {
    let readers = try open(run: run, chain)
    var versions: [Int: [Int]] = [:]
    for (number, reader) in readers.enumerated() {
      for place in try reader.places() where wanted(place / Rank.slots, place % Rank.slots) {
        versions[place, default: []].append(number)
      }
    }
    for (place, numbers) in versions.sorted(by: { $0.key < $1.key }) {
      // Readers are in the order of the chain.
      var snapshot = try readers[numbers[0]].slot(at: place)
      for number in numbers.dropFirst() {
        do {
          snapshot = try readers[number].slot(at: place).laid(over: snapshot)
        } catch let error as SnapshotError {
          throw CheckpointError.damagedSlot(
            path: readers[number].part.path, table: place / Rank.slots, slot: place % Rank.slots, reason: "\(error)")
        }
      }
      try body(readers[numbers.last!].part.path, snapshot)
    }
  }

  private static func open(run: UInt64, _ chain: [CheckpointFiles]) throws -> [PartReader] {
    try chain.flatMap { files in try files.parts.map { try open(run: run, files, $0) } }
  }

  private static func open(run: UInt64, _ files: CheckpointFiles, _ part: CheckpointPart) throws -> PartReader {
    try PartReader(
      part, PartHeader(run: run, checkpoint: files.number, clock: files.clock, base: files.base, server: part.server))
  }

  /// Checks that a part is what was written: that it is this one, that it has all its slots, and that these are whole.
  ///
  /// - Parameter progress: called with the bytes of each slot that was read.
  /// - Throws: `CheckpointError`, and what `progress` throws.
  public static func check(
    run: UInt64, _ files: CheckpointFiles, _ part: CheckpointPart, progress: (_ bytes: Int) throws -> Void = { _ in }
  ) throws {
    let reader = try open(run: run, files, part)
    for place in try reader.places() { try progress(reader.slot(at: place).bytes.count) }
  }
}
