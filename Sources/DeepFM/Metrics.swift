/// How good predictions are.
public enum Metrics {
  /// Area under the ROC curve: the probability that a clicked row scores above one that was not, ties counting half.
  /// Exact, in O(n).
  ///
  /// - Parameters:
  ///   - labels: 0 or 1.
  ///   - scores: any increasing function of the click probability, such as logits.
  /// - Returns: nil where there is only one class, or where a score is not a number.
  public static func auc(labels: [Float], scores: [Float]) -> Double? {
    precondition(labels.count == scores.count)
    var keys = [UInt64](repeating: 0, count: scores.count)
    for i in scores.indices {
      if scores[i].isNaN { return nil }
      // Float bits in an order that integers have; adding 0 makes -0 and 0 one score.
      let bits = (scores[i] + 0).bitPattern
      let ordered = bits & 0x8000_0000 == 0 ? bits | 0x8000_0000 : ~bits
      keys[i] = UInt64(ordered) << 1 | (labels[i] > 0.5 ? 1 : 0)
    }
    radixSort(&keys)
    var negativesBelow = 0
    var positives = 0
    var doubledWins = 0
    var first = 0
    while first < keys.count {
      var last = first
      var groupPositives = 0
      while last < keys.count, keys[last] >> 1 == keys[first] >> 1 {
        groupPositives += Int(keys[last] & 1)
        last += 1
      }
      let groupNegatives = last - first - groupPositives
      doubledWins += groupPositives * (2 * negativesBelow + groupNegatives)
      negativesBelow += groupNegatives
      positives += groupPositives
      first = last
    }
    guard positives > 0, negativesBelow > 0 else { return nil }
    return Double(doubledWins) / 2 / Double(positives) / Double(negativesBelow)
  }

  /// Three passes over the 33 bits in use.
  private static func radixSort(_ keys: inout [UInt64]) {
    var other = [UInt64](repeating: 0, count: keys.count)
    for shift in stride(from: UInt64(0), to: 33, by: 11) {
      var starts = [Int](repeating: 0, count: 2049)
      for key in keys { starts[Int(key >> shift & 2047) + 1] += 1 }
      for digit in 1..<starts.count { starts[digit] += starts[digit - 1] }
      for key in keys {
        let digit = Int(key >> shift & 2047)
        other[starts[digit]] = key
        starts[digit] += 1
      }
      swap(&keys, &other)
    }
  }

  /// Mean cross entropy (eq. 10 divided by the number of rows), in Double, summed with Kahan's correction in order.
  public static func logloss(labels: [Float], logits: [Float]) -> Double {
    precondition(labels.count == logits.count)
    var sum = 0.0
    var correction = 0.0
    for i in labels.indices {
      let term = LogLoss.loss(logit: Double(logits[i]), label: Double(labels[i])) - correction
      let next = sum + term
      correction = (next - sum) - term
      sum = next
    }
    return labels.isEmpty ? 0 : sum / Double(labels.count)
  }
}
