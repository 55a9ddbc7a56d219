import Features
import Sharding

/// Which rows go again: `unseen:2` (epochs), `norm:0.01`, `score` or `score:0.8`.
public enum EvictionChoice: Hashable, Sendable, Codable, CustomStringConvertible {
  /// No step has changed them for so many epochs.
  case unseen(epochs: Double)
  case norm(below: Double)
  /// Decayed shows and clicks are worth less (`TableDescription.Eviction.Score`).
  case score(below: Double)

  /// The numbers that PaddlePaddle's documentation of `CtrCommonAccessor` gives for an example. A day there is an epoch here.
  public enum Score {
    public static let below = 0.8
    public static let showWeight = 0.1
    public static let clickWeight = 1.0
    public static let decay = 0.98
    public static let unseenEpochs = 30.0
  }

  /// - Throws: `UnknownChoice`.
  public init(named text: String) throws {
    let words = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let number = words.count > 1 ? Double(words[1]) : nil
    switch (words[0], number) {
    case ("unseen", let number?) where number > 0 && number <= 1e6: self = .unseen(epochs: number)
    case ("norm", let number?) where number > 0 && number.isFinite: self = .norm(below: number)
    case ("score", let number?) where number > 0 && number.isFinite: self = .score(below: number)
    case ("score", nil) where words.count == 1: self = .score(below: Score.below)
    default: throw UnknownChoice(name: text, choices: ["unseen:<epochs>", "norm:<length>", "score", "score:<worth>"])
    }
  }

  public var description: String {
    switch self {
    case .unseen(let epochs): "unseen:\(epochs)"
    case .norm(let below): "norm:\(below)"
    case .score(let below): "score:\(below)"
    }
  }

  public init(from decoder: any Decoder) throws { self = try decoder.singleText { try Self(named: $0) } }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  /// - Parameter epochSteps: steps of an epoch.
  func rule(epochSteps: Int) -> TableDescription.Eviction.Rule {
    func steps(_ epochs: Double) -> UInt64 {
      UInt64(max(1, min(Double(TableDescription.mostSteps), (epochs * Double(epochSteps)).rounded(.up))))
    }
    switch self {
    case .unseen(let epochs): return .unseen(steps: steps(epochs))
    case .norm(let below): return .norm(below: below)
    case .score(let below):
      return .score(
        .init(
          below: below, showWeight: Score.showWeight, clickWeight: Score.clickWeight, decay: Score.decay,
          steps: steps(1), unseen: steps(Score.unseenEpochs)))
    }
  }
}
