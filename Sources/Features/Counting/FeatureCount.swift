import Glibc

/// How many distinct features data have, and how many of them a batch meets.
public struct FeatureCount: Sendable {
  public let rows: Int
  /// Features that have keys of their own.
  public let distinct: Double
  /// Of those, how many the first half of the rows has.
  public let distinctOfHalf: Double
  /// By rows of a batch.
  private let perBatch: [Int: Double]

  /// Reads through data.
  ///
  /// - Parameters:
  ///   - batches: rows of the batches that it will be asked for. The first rows of the data stand for all others.
  ///   - progress: told of rows read; what it throws ends the reading.
  /// - Throws: `DatasetError`.
  public init(
    _ index: DatasetIndex, vocabulary: Vocabulary? = nil, batches: [Int],
    progress: (_ rows: Int) throws -> Void = { _ in }
  ) throws {
    let reader = ChunkReader(index, vocabulary: vocabulary)
    var batch = Batch(fields: index.fields)
    var all = DistinctCount()
    var half = 0.0
    var met = batches.map { MetPerBatch(rows: $0) }
    var rows = 0
    for chunk in index.chunks {
      batch.reset()
      try reader.read(chunk, into: &batch)
      for row in 0..<batch.rows {
        for key in batch.keys[batch.entries(ofRow: row)] { all.add(key) }
        rows += 1
        if rows == index.rows / 2 { half = all.estimate }
      }
      for place in met.indices { met[place].take(batch) }
      try progress(rows)
    }
    self.rows = rows
    distinct = all.estimate
    distinctOfHalf = half
    perBatch = Dictionary(met.map { ($0.rows, $0.mean) }) { first, _ in first }
  }

  /// As a vocabulary counted them.
  ///
  /// - Parameters:
  ///   - counts: how often each feature occurs in so many rows.
  ///   - others: features that each batch meets, beside those.
  public init(counts: [Int], others: Int, rows: Int, batches: [Int]) {
    self.rows = rows
    distinct = Double(counts.count + others)
    distinctOfHalf = distinct
    perBatch = Dictionary(
      batches.map { batch in
        let met = counts.reduce(0.0) {
          $0 - expm1(Double(batch) * log1p(-min(1 - 1e-12, Double($1) / Double(max(1, rows)))))
        }
        return (batch, met + Double(others))
      }
    ) { first, _ in first }
  }

  /// As somebody says there are.
  public init(distinct: Int, fields: Int, batches: [Int]) {
    rows = 0
    self.distinct = Double(distinct)
    distinctOfHalf = self.distinct
    perBatch = Dictionary(batches.map { ($0, min(Double(distinct), Double($0 * fields))) }) { first, _ in first }
  }

  /// Of so many rows like these, if distinct features go on growing with a power of the rows as they did from the first half
  /// of these rows to all (Heaps' law).
  public func distinct(ofRows wanted: Int) -> Double {
    guard rows > 0, wanted > rows, distinctOfHalf > 0 else { return distinct }
    let exponent = min(1, max(0, log2(distinct / distinctOfHalf)))
    return distinct * pow(Double(wanted) / Double(rows), exponent)
  }

  /// Of one of the batches that were counted.
  public func distinct(perBatchOf rows: Int) -> Double { perBatch[rows] ?? 0 }

  /// The mean over the first batches of the data.
  private struct MetPerBatch {
    let rows: Int
    private var met: Set<UInt64> = []
    private var filled = 0
    private var sum = 0
    private var batches = 0

    private static let most = 20

    init(rows: Int) { self.rows = rows }

    mutating func take(_ batch: Batch) {
      for row in 0..<batch.rows where batches < Self.most {
        met.formUnion(batch.keys[batch.entries(ofRow: row)])
        filled += 1
        guard filled == rows else { continue }
        (sum, batches) = (sum + met.count, batches + 1)
        met.removeAll(keepingCapacity: true)
        filled = 0
      }
    }

    /// Of what there is, where no batch is full.
    var mean: Double { batches > 0 ? Double(sum) / Double(batches) : Double(met.count) }
  }
}
