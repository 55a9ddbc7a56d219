import Randomness

/// What is learnt of a numeric field from the training data, a chunk at a time and in any order.
///
/// Sums are kept per chunk and added up in the chunks' order, and the sample of values is the one whose hashes are
/// lowest, so that the result does not depend on how many threads read.
struct FieldStatistics: Codable, Sendable, Hashable {
  /// Values kept to find quantiles: 2¹⁶ of them place a quantile within 0.4 % of its rank, with 95 % certainty.
  static let sampleSize = 1 << 16

  struct Moments: Codable, Sendable, Hashable {
    var count = 0
    var sum = 0.0
    var squares = 0.0
    var minimum = Double.infinity
    var maximum = -Double.infinity
  }

  struct Drawn: Codable, Sendable, Hashable {
    var hash: UInt64
    var value: Double
  }

  /// By the chunk's place in the data.
  private var moments: [Int: Moments] = [:]
  /// Not sorted; at most twice as many as are wanted.
  private var sample: [Drawn] = []
  private var highestWanted = UInt64.max
  /// Of fields of which nothing else is wanted.
  private var range: ClosedRange<Double>?

  mutating func add(_ values: [Double], chunk: Int, random: CounterRandom) {
    var new = Moments()
    // Around the first value, so that squares of large numbers do not drown their differences.
    let base = values.first ?? 0
    var draws = random
    for value in values {
      new.count += 1
      new.sum += value - base
      new.squares += (value - base) * (value - base)
      new.minimum = min(new.minimum, value)
      new.maximum = max(new.maximum, value)
      let hash = draws.next()
      if hash <= highestWanted { sample.append(Drawn(hash: hash, value: value)) }
    }
    if new.count > 0 {
      let mean = base + new.sum / Double(new.count)
      new.squares -= new.sum * new.sum / Double(new.count)
      new.sum = mean
      moments[chunk] = new
    }
    if sample.count > 2 * Self.sampleSize { thin() }
  }

  mutating func add(_ range: ClosedRange<Double>) {
    let known = self.range ?? range
    self.range = min(known.lowerBound, range.lowerBound)...max(known.upperBound, range.upperBound)
  }

  mutating func merge(_ other: FieldStatistics) {
    if let range = other.range { add(range) }
    moments.merge(other.moments) { first, _ in first }
    sample += other.sample
    if sample.count > 2 * Self.sampleSize { thin() }
  }

  /// As `merge`, of statistics that another process gathered, some of them perhaps of the same files.
  ///
  /// - Parameter chunks: the number in all the data of each of the other's chunks; nil for one that is here already.
  mutating func merge(_ other: FieldStatistics, chunks: [Int?]) {
    if let range = other.range { add(range) }
    for (chunk, part) in other.moments {
      if let number = chunks[chunk] { moments[number] = part }
    }
    // The same rows were drawn with the same hashes.
    let known = Set(sample.map(\.hash))
    sample += other.sample.filter { !known.contains($0.hash) }
    thin()
  }

  private mutating func thin() {
    sample.sort { ($0.hash, $0.value) < ($1.hash, $1.value) }
    if sample.count > Self.sampleSize {
      sample.removeLast(sample.count - Self.sampleSize)
      highestWanted = sample[Self.sampleSize - 1].hash
    }
  }

  /// Mean and variance over all chunks (Chan, Golub, LeVeque 1979), with the extremes.
  private var total: (mean: Double, deviation: Double, minimum: Double, maximum: Double)? {
    var count = 0.0
    var mean = 0.0
    var squares = 0.0
    var minimum = Double.infinity
    var maximum = -Double.infinity
    for chunk in moments.keys.sorted() {
      let part = moments[chunk]!
      let delta = part.sum - mean
      let sum = count + Double(part.count)
      mean += delta * Double(part.count) / sum
      squares += part.squares + delta * delta * count * Double(part.count) / sum
      count = sum
      minimum = min(minimum, part.minimum)
      maximum = max(maximum, part.maximum)
    }
    guard count > 0 else { return nil }
    return (mean, (max(0, squares) / count).squareRoot(), minimum, maximum)
  }

  /// At most `buckets` - 1 boundaries, ascending, between values that are about equally frequent.
  private mutating func boundaries(buckets: Int) -> [Double] {
    thin()
    let values = sample.map(\.value).sorted()
    guard let first = values.first else { return [] }
    var boundaries: [Double] = []
    for bucket in 1..<max(2, buckets) {
      let boundary = values[min(values.count - 1, bucket * values.count / buckets)]
      // A value that fills several buckets has one of its own.
      if boundary > boundaries.last ?? first { boundaries.append(boundary) }
    }
    return boundaries
  }

  /// Puts the statistics where the field's rules want them.
  mutating func complete(_ field: inout Encoding.Field, buckets: Int) {
    if let range { field.limits = NumberLimits(around: range) }
    guard let total else { return }
    if case .number = field.rule { field.limits = NumberLimits(around: total.minimum...total.maximum) }
    switch field.rule {
    case .number(.standardise): field.rule = .number(.standardise(mean: total.mean, deviation: total.deviation))
    case .number(.minMax): field.rule = .number(.minMax(minimum: total.minimum, maximum: total.maximum))
    case .bucket(.quantile): field.rule = .bucket(.quantile(boundaries: boundaries(buckets: buckets)))
    default: break
    }
    if field.missing == .mean { field.missing = .number(total.mean) }
  }
}

extension Encoding.Field {
  /// Whether all that is wanted of the training data is how far their numbers reach.
  var needsRange: Bool {
    switch rule {
    case .number, .index: !needsStatistics
    case .bucket, .category, .categories: false
    }
  }

  /// Whether the training data's statistics are part of its rules.
  var needsStatistics: Bool {
    switch rule {
    case .number(.standardise), .number(.minMax), .bucket(.quantile): true
    case .number, .bucket, .category, .categories, .index: missing == .mean
    }
  }
}

extension Encoding {
  /// The same rows with plain numbers where statistics are wanted, for those who gather them.
  var plain: Encoding {
    var plain = self
    for field in fields.indices where fields[field].needsStatistics || (fields[field].needsRange && format.isDelimited)
    {
      plain.fields[field].rule = .number(.raw)
      if fields[field].missing != .fail { plain.fields[field].missing = .skip }
    }
    return plain
  }
}
