import Checkpoint
import Foundation
import ParamServer
import Sharding

/// What checkpoints cost: of a million rows of 10 + 1 parameters and Adam's state, against a plain sequential write of the same
/// bytes with sync; what a delta costs; and how steps go on meanwhile.
enum CheckpointBenchmark {
  private static let rows = 1_000_000
  private static let width = 11
  /// That a step touches: about what a minibatch of 4096 Criteo rows does.
  private static let touched = 50_000

  static func run(scratch: Scratch) throws {
    let folder = scratch.path + "/parts"
    let ranks = (0..<UInt64(rows)).map(Rank.of).sorted()
    let columns = [TableDescription.Columns(name: "v", width: width, initializer: .normal(deviation: 0.01))]
    var table = try Table(
      TableDescription(
        name: "rows", regions: [.init(firstKey: 0, columns: columns)], optimizer: .adam(learningRate: 1e-3)),
      number: 0, seed: 1, undoDepth: 2)
    let all = SortedRows(copying: ranks, values: [Float](repeating: 0.5, count: rows * width), width: width)
    table.apply(step: table.clock, gradients: all, samples: 4096)
    // 5 % of all.
    let some = steps(1, of: ranks)[0]

    let full = try write(1, since: nil, &table, folder)
    let clock = table.clock
    table.apply(step: table.clock, gradients: some, samples: 4096)
    let delta = try write(2, since: clock, &table, folder)
    let bound = try plainWrite(bytes: full.part.bytes, scratch.path + "/plain")
    print("a checkpoint of \(rows) rows, \(full.part.bytes >> 20) MiB, beside a plain write of as much, synced")
    print(
      String(
        format: "    all rows   %6.2f s  (%.2f of a plain write's %.2f s)", full.seconds, full.seconds / bound, bound))
    print(
      String(
        format: "    5 %% changed %5.2f s  (%.2f of all rows', %.2f of their bytes)", delta.seconds,
        delta.seconds / full.seconds, Double(delta.part.bytes) / Double(full.part.bytes)))
    try steps(meanwhile: folder, &table, ranks)
  }

  /// Steps that touch some rows each, spread over all slots.
  private static func steps(_ count: Int, of ranks: [UInt64]) -> [SortedRows<UInt64>] {
    (0..<count).map { number in
      let chosen = stride(from: number % (rows / touched), to: rows, by: rows / touched).map { ranks[$0] }
      return SortedRows(
        copying: chosen, values: [Float](repeating: 0.5, count: chosen.count * width), width: width)
    }
  }

  private static func write(
    _ number: Int, since: UInt64?, _ table: inout Table, _ folder: String
  ) throws -> (part: CheckpointPart, seconds: Double) {
    var part: CheckpointPart?
    let time = try seconds {
      let writer = try PartWriter(in: folder, header(number, table.clock))
      table.hold(since: since, lag: 0)
      while let batch = next(&table) { try writer.write(batch) }
      part = try writer.finish()
      table.dropHeld()
    }
    return (part!, time)
  }

  private static func header(_ number: Int, _ clock: UInt64) -> PartHeader {
    PartHeader(run: 1, checkpoint: number, clock: clock, base: nil, server: 0)
  }

  /// What a server's turn takes of a held state; nil once there is none left.
  private static func next(_ table: inout Table) -> [SlotSnapshot]? {
    var batch: [SlotSnapshot] = []
    var bytes = 0
    for slot in table.heldSlots {
      guard bytes < 1 << 20 else { break }
      guard let snapshot = table.takeHeld(slot: slot), !snapshot.isEmpty else { continue }
      bytes += snapshot.bytes.count
      batch.append(snapshot)
    }
    return batch.isEmpty ? nil : batch
  }

  private static func plainWrite(bytes count: Int, _ path: String) throws -> Double {
    let piece = [UInt8](repeating: 7, count: 1 << 20)
    return try seconds {
      let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
      defer { close(file) }
      var left = count
      while left > 0 {
        let written = piece.withUnsafeBytes { Glibc.write(file, $0.baseAddress, min(left, $0.count)) }
        guard written > 0 else { throw CocoaError(.fileWriteUnknown) }
        left -= written
      }
      guard fsync(file) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }
  }

  /// How long steps take alone, and while a checkpoint is written as a server does it: a turn between two steps, the disk beside.
  private static func steps(meanwhile folder: String, _ table: inout Table, _ ranks: [UInt64]) throws {
    let steps = steps(20, of: ranks)
    func step(_ number: Int) -> Double {
      seconds { table.apply(step: table.clock, gradients: steps[number % 20], samples: 4096) }
    }
    for number in 0..<20 { _ = step(number) }
    let alone = (0..<100).map(step)
    let queue = DispatchQueue(label: "parts")
    let group = DispatchGroup()
    let writer = try PartWriter(in: folder, header(3, table.clock))
    nonisolated(unsafe) let parts = writer
    table.hold(since: nil, lag: 0)
    var (times, pauses): ([Double], [Double]) = ([], [])
    var isDone = false
    while !isDone {
      var batch: [SlotSnapshot]?
      // One at a time is on its way to the disk.
      if group.wait(timeout: .now()) == .success {
        pauses.append(seconds { batch = next(&table) })
        isDone = batch == nil
        if let batch { queue.async(group: group) { try? parts.write(batch) } }
      }
      times.append(step(times.count))
    }
    group.wait()
    _ = try writer.finish()
    table.dropHeld()
    let mean = alone.reduce(0, +) / Double(alone.count)
    let busy = (times.reduce(0, +) + pauses.reduce(0, +)) / Double(times.count)
    print(
      String(
        format:
          "    steps of %d rows: %.1f ms alone, %.1f ms while all rows are written (%+.0f %%); longest pause %.1f ms (%.2f of a step)",
        touched, mean * 1e3, busy * 1e3, 100 * (busy / mean - 1), pauses.max()! * 1e3, pauses.max()! / mean))
  }
}
