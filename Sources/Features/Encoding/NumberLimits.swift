/// How far a field's numbers may lie outside of what the training data had. One far beyond would end as infinite or as no
/// number somewhere in the model.
public struct NumberLimits: Codable, Sendable, Hashable {
  public var lowest: Double
  public var highest: Double

  public init(lowest: Double, highest: Double) {
    self.lowest = lowest
    self.highest = highest
  }

  /// As far again, on either side, as the training data reach from their smallest number to their largest; where they have one
  /// number alone, as far as it is from 0, at least 1.
  init(around range: ClosedRange<Double>) {
    let width = range.upperBound - range.lowerBound
    let margin = width > 0 ? width : max(1, abs(range.upperBound))
    self.init(lowest: range.lowerBound - margin, highest: range.upperBound + margin)
  }
}
