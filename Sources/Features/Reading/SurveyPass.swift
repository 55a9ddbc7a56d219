import Foundation
import Randomness
import Synchronization

/// Reads every chunk of some files on several threads: finds bad rows and gathers statistics.
final class SurveyPass: Sendable {
  struct Found {
    var chunks: [Chunk]
    var positives: Int
    var statistics: [Int: FieldStatistics]
    var firstBadRow: String?
    var badLabels = 0
    /// Numbers outside of their fields' limits.
    var outside = 0
    /// Rows without a click that are left out.
    var sampledOut = 0
  }

  private struct State {
    var chunks: [Int: Chunk] = [:]
    var positives = 0
    var statistics: [Int: FieldStatistics] = [:]
    var badRows = 0
    var badLabels = 0
    var outside = 0
    var sampledOut = 0
    var taken = 0
    /// What went wrong first in the order of the data.
    var failure: (chunk: Int, error: any Error)?
    var firstBadRow: (chunk: Int, text: String)?
  }

  /// More rows are bad than may be.
  private struct TooMany: Error {}

  private let encoder: RowEncoder
  private let inputs: [InputFile]
  private let files: [DatasetIndex.File]
  private let statistics: [Int]
  private let ranges: [Int]
  private let badRows: BadRowPolicy
  private let sampling: NegativeSampling?
  private let queue: BoundedQueue<(Int, Chunk)>
  private let threads = Mutex<[NamedThread]>([])
  private let state = Mutex(State())

  init(
    encoder: RowEncoder, inputs: [InputFile], files: [DatasetIndex.File], statistics: [Int], ranges: [Int],
    badRows: BadRowPolicy, sampling: NegativeSampling?, threads count: Int?
  ) {
    self.encoder = encoder
    self.inputs = inputs
    self.files = files
    self.statistics = statistics
    self.ranges = ranges
    self.badRows = badRows
    self.sampling = sampling
    let count = count ?? ProcessInfo.processInfo.activeProcessorCount
    queue = BoundedQueue(capacity: 4 * count)
    threads.withLock { $0 = (0..<count).map { number in NamedThread("survey-\(number)") { [self] in run() } } }
  }

  /// Has a chunk read. Its `rows` are all its records, as far as anyone knows yet.
  ///
  /// - Throws: what a thread has found wrong meanwhile.
  func check(_ chunk: Chunk) throws {
    let number = state.withLock {
      $0.taken += 1
      return $0.taken - 1
    }
    if state.withLock({ $0.failure != nil }) { throw failure() }
    _ = queue.push((number, chunk))
  }

  /// Waits for the threads, without a result.
  func abandon() {
    queue.cancel()
    join()
  }

  private func join() { for thread in threads.withLock({ $0 }) { thread.join() } }

  func finish() throws -> Found {
    queue.close()
    join()
    if state.withLock({ $0.failure != nil }) { throw failure() }
    return state.withLock { state in
      Found(
        chunks: (0..<state.taken).compactMap { state.chunks[$0] }, positives: state.positives,
        statistics: state.statistics, firstBadRow: state.firstBadRow?.text, badLabels: state.badLabels,
        outside: state.outside, sampledOut: state.sampledOut)
    }
  }

  /// The first failure in the order of the data: chunks before it were all handed out before it.
  private func failure() -> any Error {
    queue.cancel()
    join()
    return state.withLock { state in
      if state.failure?.error is TooMany, case .skip(let limit) = badRows {
        // Only now it is certain which bad row is the first.
        return DatasetError.tooManyBadRows(limit: limit, first: state.firstBadRow?.text ?? "")
      }
      return state.failure!.error
    }
  }

  private func run() {
    let scratch = RowEncoder.Scratch(encoder)
    var bytes = ChunkBytes()
    var statistics: [Int: FieldStatistics] = [:]
    var packed = EntryBuffer()
    defer { packed.deallocate() }
    while let (number, chunk) = queue.pop() {
      do {
        try read(number, chunk, scratch, &packed, &bytes, &statistics)
      } catch {
        state.withLock { state in
          if state.failure.map({ number < $0.chunk }) ?? true { state.failure = (number, error) }
        }
      }
    }
    state.withLock { state in
      for (field, found) in statistics { state.statistics[field, default: FieldStatistics()].merge(found) }
    }
  }

  private func read(
    _ number: Int, _ chunk: Chunk, _ scratch: RowEncoder.Scratch, _ packed: inout EntryBuffer,
    _ bytes: inout ChunkBytes,
    _ statistics: inout [Int: FieldStatistics]
  ) throws {
    let input = inputs[chunk.file]
    var checked = chunk
    try bytes.read(chunk, of: input) { text in
      if files[chunk.file].isPacked {
        guard sampling == nil else {
          throw DatasetError.unreadable(
            file: input.name, reason: "it is packed; rows are sampled from the text that it was packed from")
        }
        packed.reset()
        do {
          try PackedBlock.read(
            text, number: chunk.firstLine, rows: chunk.rows, fields: encoder.encoding.fields.count, into: &packed)
          guard PackedBlock.storedChecksum(text) == chunk.checksum else {
            throw PackedBlock.Damage("it is another than the index says")
          }
        } catch let damage as PackedBlock.Damage {
          checked.skipped = Array(0..<chunk.rows)
          try note(
            bad: chunk.rows, in: number,
            .damagedPack(
              file: input.name, reason: "block \(chunk.firstLine), of \(chunk.rows) rows, is damaged: \(damage.reason)")
          )
        }
        return
      }
      guard chunk.length > 0 else {
        checked.skipped = [0]
        return try note(
          bad: 1, in: number,
          .badRow(
            file: input.name, line: chunk.firstLine,
            reason: "the row is longer than \(RecordScan.longest >> 20) MiB. Is this a text file with one row a line?"))
      }
      let records = try encoder.encode(text, of: files[chunk.file].columns, in: scratch) { record, start, failure in
        checked.skipped.append(record)
        if failure.kind == .label { state.withLock { $0.badLabels += 1 } }
        let line = chunk.firstLine + text[..<start].count { $0 == 10 }
        try note(bad: 1, in: number, .badRow(file: input.name, line: line, reason: failure.reason))
      }
      guard records == chunk.rows else { throw DatasetError.changed(file: input.name, line: chunk.firstLine) }
      checked.checksum = Checksum.crc32c(text)
      gather(scratch.buffer, number, chunk, &statistics)
      gatherRanges(scratch.buffer, &statistics)
      try sample(text, records, scratch, &checked)
    }
    checked.rows -= checked.skipped.count
    let buffer = files[chunk.file].isPacked ? packed : scratch.buffer
    let positives = checked.rows == 0 ? 0 : (0..<buffer.rows).reduce(0) { $0 + (buffer.labels[$1] != 0 ? 1 : 0) }
    let outside = files[chunk.file].isPacked ? 0 : scratch.buffer.outside
    state.withLock { [checked] state in
      state.outside += outside
      state.chunks[number] = checked
      state.positives += positives
    }
  }

  /// Leaves out the rows that the draws do.
  private func sample(
    _ text: UnsafeRawBufferPointer, _ records: Int, _ scratch: RowEncoder.Scratch, _ chunk: inout Chunk
  ) throws {
    guard let sampling else { return }
    let file = FeatureHash.key(files[chunk.file].baseName, field: 0)
    let bad = Set(chunk.skipped)
    let rows = (0..<records).filter { !bad.contains($0) }
    var number = 0
    var out: [Int] = []
    let (columns, offset) = (files[chunk.file].columns, chunk.offset)
    try encoder.forEachRow(in: text, of: columns, skipping: chunk.skipped, column: nil, scratch) {
      _, start, isClick, _ in
      if !isClick, !sampling.keeps(file: file, offset: offset + start) { out.append(rows[number]) }
      number += 1
    }
    chunk.skipped = (chunk.skipped + out).sorted()
    state.withLock { [count = out.count] in $0.sampledOut += count }
  }

  /// Counts bad rows, and throws where they are too many.
  private func note(bad rows: Int, in chunk: Int, _ error: DatasetError) throws {
    guard case .skip(let limit) = badRows else { throw error }
    let count = state.withLock { state in
      state.badRows += rows
      if state.firstBadRow.map({ chunk < $0.chunk }) ?? true { state.firstBadRow = (chunk, "\(error)") }
      return state.badRows
    }
    if count > limit { throw TooMany() }
  }

  /// How far the numbers of fields reach of which nothing else is wanted.
  private func gatherRanges(_ buffer: EntryBuffer, _ statistics: inout [Int: FieldStatistics]) {
    let fields = encoder.encoding.fields.count
    for field in ranges {
      var (lowest, highest) = (Float.infinity, -Float.infinity)
      for row in 0..<buffer.rows {
        let cell = row * fields + field
        var entry = cell > 0 ? Int(buffer.ends[cell - 1]) : 0
        while entry < Int(buffer.ends[cell]) {
          lowest = min(lowest, buffer.values[entry])
          highest = max(highest, buffer.values[entry])
          entry += 1
        }
      }
      guard lowest <= highest else { continue }
      statistics[field, default: FieldStatistics()].add(Double(lowest)...Double(highest))
    }
  }

  private func gather(
    _ buffer: EntryBuffer, _ number: Int, _ chunk: Chunk, _ statistics: inout [Int: FieldStatistics]
  ) {
    let fields = encoder.encoding.fields.count
    for field in self.statistics {
      var values: [Double] = []
      values.reserveCapacity(buffer.rows)
      for row in 0..<buffer.rows {
        let cell = row * fields + field
        let first = cell > 0 ? Int(buffer.ends[cell - 1]) : 0
        if first < Int(buffer.ends[cell]) { values.append(Double(buffer.values[first])) }
      }
      statistics[field, default: FieldStatistics()].add(
        values, chunk: number,
        random: CounterRandom(
          DrawPurpose.statisticsSample, UInt64(field), FeatureHash.key(files[chunk.file].baseName, field: 0),
          UInt64(chunk.offset)))
    }
  }
}
