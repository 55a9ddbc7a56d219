extension Encoding.Field {
  /// What a person should know of its numbers.
  var remark: String? {
    guard let limits else { return nil }
    let largest = max(abs(limits.lowest), abs(limits.highest))
    switch rule {
    case .number(.raw) where largest > 1000:
      return
        "\(name) has numbers as large as they are, beyond 1,000: steps that suit other fields are too long for it. Choose "
        + "`transform: log1p` or `standardise`"
    case .index where largest > 1000:
      return "the values of \(name) go beyond 1,000: steps that suit other fields are too long for it. Scale them"
    default: return nil
    }
  }
}

/// How far a field's numbers may lie outside of what the training data had. One far beyond would end as infinite or as no
/// number somewhere in the model.
public struct NumberLimits: Codable, Sendable, Hashable {
  public var lowest: Double
  public var highest: Double

  public init(lowest: Double, highest: Double) {
    self.lowest = lowest
    self.highest = highest
  }

  /// For people.
  var text: String {
    let ends = [lowest, highest].map { $0 == $0.rounded() && abs($0) < 1e15 ? "\(Int($0))" : "\(Float($0))" }
    return "\(ends[0]) to \(ends[1])"
  }

  /// As far again, on either side, as the training data reach from their smallest number to their largest; where they have one
  /// number alone, as far as it is from 0, at least 1.
  init(around range: ClosedRange<Double>) {
    let width = range.upperBound - range.lowerBound
    let margin = width > 0 ? width : max(1, abs(range.upperBound))
    self.init(lowest: range.lowerBound - margin, highest: range.upperBound + margin)
  }
}
