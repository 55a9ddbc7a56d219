import Foundation
import Randomness

/// Which rows without a click are trained on: each is kept with the same probability, by a draw of its own.
///
/// The odds of what is kept are `1 / rate` times those of all rows. So a model of it has `ln(rate)` added to its logits wherever
/// they are predictions: `q = p / (p + (1 - p) / rate)` (He et al. 2014, "Practical lessons from predicting clicks on ads at
/// Facebook", section 6.3).
public struct NegativeSampling: Codable, Hashable, Sendable {
  public let rate: Double
  public let seed: UInt64

  /// - Parameter rate: above 0, below 1.
  public init(rate: Double, seed: UInt64) { (self.rate, self.seed) = (rate, seed) }

  /// Whether the row that begins at `offset` of a file is kept: whoever reads it, and however its file is cut into chunks.
  func keeps(file: UInt64, offset: Int) -> Bool {
    var draws = CounterRandom(DrawPurpose.negativeSampling, seed, file, UInt64(offset))
    return draws.uniform() < rate
  }
}
