import Glibc
import Sharding

/// A table's rule of which rows go, and the shows and clicks of a row where it counts them: they lie behind the optimizer's
/// state, as they were when the row changed last.
struct RowEviction {
  let description: TableDescription.Eviction
  private let width: Int
  private let stride: Int
  private let kept: Set<UInt64>

  init(_ description: TableDescription.Eviction, width: Int, stride: Int) {
    self.description = description
    self.width = width
    self.stride = stride
    kept = Set(description.kept)
  }

  /// Whether a row goes after the step that ends at `clock`.
  func takes(_ rank: UInt64, _ row: UnsafePointer<Float>, at clock: UInt64) -> Bool {
    let changed = RowClock.of(row, stride: stride)
    guard changed < clock, !kept.contains(rank) else { return false }
    switch description.rule {
    case .unseen(let steps): return clock - changed >= steps
    case .norm(let below):
      var squares = 0.0
      for column in 0..<width { squares += Double(row[column]) * Double(row[column]) }
      return squares < below * below
    case .score(let score):
      let (shows, clicks) = (Double(row[clickColumn]), Double(row[clickColumn + 1]))
      let worth = (shows - clicks) * score.showWeight + clicks * score.clickWeight
      return clock - changed >= score.unseen || worth * fade(score, clock - changed) < score.below
    }
  }

  /// Whether a key that has no row, and was met last at a clock, is forgotten.
  func takesCandidate(metAt changed: UInt64, at clock: UInt64) -> Bool {
    let unseen: UInt64
    switch description.rule {
    case .unseen(let steps): unseen = steps
    case .score(let score): unseen = score.unseen
    case .norm: return false
    }
    return changed < clock && clock - changed >= unseen
  }

  private var clickColumn: Int { stride - RowClock.width - TableDescription.Eviction.clickColumns }

  private func fade(_ score: TableDescription.Eviction.Score, _ steps: UInt64) -> Double {
    pow(score.decay, Double(steps) / Double(score.steps))
  }

  /// Adds a step's shows and clicks to a row, before its clock is set.
  ///
  /// - Parameters:
  ///   - counts: the step's, two.
  ///   - clock: after the step.
  @inline(__always)
  func count(_ counts: UnsafePointer<Float>, in row: UnsafeMutablePointer<Float>, at clock: UInt64) {
    guard case .score(let score) = description.rule else { return }
    let kept = Float(fade(score, clock - min(clock, RowClock.of(row, stride: stride))))
    for column in 0..<TableDescription.Eviction.clickColumns {
      row[clickColumn + column] = row[clickColumn + column] * kept + counts[column]
    }
  }
}
