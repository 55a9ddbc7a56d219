import Wire

extension GradientPart {
  /// A push's arrays, used where they were received.
  init(_ push: Push) {
    self.init(
      node: push.node, part: push.part, parts: push.parts, samples: push.samples, lossSum: push.lossSum,
      ranks: push.ranks.elements(as: UInt64.self), values: push.values.elements(as: Float.self),
      sightingRanks: push.sightedRanks.elements(as: UInt64.self),
      sightingCounts: push.sightings.elements(as: UInt32.self),
      owner: Frames([push.ranks, push.values, push.sightedRanks, push.sightings]))
  }
}

/// Keeps frames while something points into them.
private final class Frames {
  let frames: [Frame]
  init(_ frames: [Frame]) { self.frames = frames }
}
