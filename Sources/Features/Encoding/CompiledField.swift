import CXXHash

/// A field's rule in the form that the inner loop runs: numbers and pointers, nothing counted or boxed.
///
/// The pointers belong to the `RowEncoder`.
struct CompiledField {
  enum Kind: UInt8 {
    case category, categories, raw, log1p, linear, logSquared, quantile
  }

  enum Missing: UInt8 {
    case own, skip, fail, number
  }

  var kind: Kind
  var missing: Missing
  var column: Int
  /// The field whose features these are, and the hash's seed for it.
  var owner: Int
  var seed: UInt64
  var missingKey: UInt64
  var otherKey: UInt64
  /// Beside numbers.
  var numberKey: UInt64
  /// What stands for a missing number.
  var substitute = 0.0
  /// Linear transforms: `(x - shift) · scale`, kept within the limits.
  var shift = 0.0
  var scale = 1.0
  var lowest = -Double.infinity
  var highest = Double.infinity
  /// Of the numbers themselves.
  var limits = NumberLimits(lowest: -.infinity, highest: .infinity)
  /// Multi-valued: between values; and whether each counts as one over their number.
  var separator: UInt8 = 0
  var isMean = false
  /// Keys of buckets: log-squared from `LogSquared.first`, quantiles from 0.
  var bucketKeys: UnsafeMutablePointer<UInt64>?
  var boundaries: UnsafeMutablePointer<Double>?
  var boundaryCount = 0

  init(_ field: Encoding.Field) {
    column = field.column
    owner = field.owner
    seed = FeatureHash.seed(field: field.owner)
    missingKey = FeatureHash.missing(field: field.owner)
    otherKey = FeatureHash.outOfVocabulary(field: field.owner)
    numberKey = FeatureHash.number(field: field.owner)
    missing =
      switch field.missing {
      case .own: .own
      case .skip: .skip
      case .fail: .fail
      // The mean of a field without values is 0.
      case .mean, .number: .number
      }
    if case .number(let number) = field.missing { substitute = number }
    if let limits = field.limits { self.limits = limits }
    switch field.rule {
    case .category, .index: kind = .category
    case .categories(let separator, let pooling):
      kind = .categories
      self.separator = separator
      isMean = pooling == .mean
    case .number(.raw): kind = .raw
    case .number(.log1p): kind = .log1p
    case .number(.standardise(let mean, let deviation)):
      kind = .linear
      shift = mean
      scale = deviation > 0 ? 1 / deviation : 0
    case .number(.minMax(let minimum, let maximum)):
      kind = .linear
      shift = minimum
      scale = maximum > minimum ? 1 / (maximum - minimum) : 0
      lowest = 0
      highest = 1
    case .bucket(.logSquared):
      kind = .logSquared
      bucketKeys = .allocate(capacity: LogSquared.count)
      for place in 0..<LogSquared.count {
        bucketKeys![place] = FeatureHash.bucket(place + LogSquared.first, field: field.owner)
      }
    case .bucket(.quantile(let boundaries)):
      kind = .quantile
      boundaryCount = boundaries.count
      self.boundaries = .allocate(capacity: max(1, boundaries.count))
      self.boundaries!.update(from: boundaries, count: boundaries.count)
      bucketKeys = .allocate(capacity: boundaries.count + 1)
      for bucket in 0...boundaries.count { bucketKeys![bucket] = FeatureHash.bucket(bucket, field: field.owner) }
    }
  }

  func deallocate() {
    bucketKeys?.deallocate()
    boundaries?.deallocate()
  }

  /// A number within the limits, and whether it was outside.
  @inline(__always)
  func limited(_ number: Double) -> (number: Double, isOutside: Bool) {
    if number >= limits.lowest, number <= limits.highest { return (number, false) }
    return (min(limits.highest, max(limits.lowest, number)), true)
  }

  /// The feature that a number becomes.
  @inline(__always)
  func feature(of number: Double) -> (key: UInt64, value: Float) {
    switch kind {
    case .logSquared:
      let category = LogSquared.category(number)
      let place = category &- LogSquared.first
      guard place >= 0, place < LogSquared.count else {
        return (FeatureHash.bucket(category, field: owner), 1)
      }
      return (bucketKeys![place], 1)
    case .quantile:
      let boundaries = boundaries!
      return (bucketKeys![(0..<boundaryCount).partitioningPoint { boundaries[$0] > number }], 1)
    case .log1p: return (numberKey, Float(NumberTransforms.log1p(number)))
    case .linear: return (numberKey, Float(min(highest, max(lowest, (number - shift) * scale))))
    case .raw, .category, .categories: return (numberKey, Float(number))
    }
  }
}
