import DeepFM
import Job

/// A setting that a study varies, as in the paper's figures 10 to 14.
public enum Variation: String, CaseIterable, Sendable {
  /// Fig. 10.
  case activation
  /// Fig. 11.
  case keep
  /// Fig. 12: neurons a layer.
  case neurons
  /// Fig. 13: number of layers.
  case layers
  /// Fig. 14: shape at a fixed total of neurons.
  case shape

  /// The settings to compare, by label; all else is as in `settings`.
  public func variants(of settings: Settings) -> [Trials.Variant] {
    func variant(_ label: String, _ change: (inout ModelSettings) -> Void) -> Trials.Variant {
      var changed = settings
      change(&changed.model)
      return (label, changed)
    }
    let width = settings.model.hidden.first ?? 200
    let depth = max(1, settings.model.hidden.count)
    switch self {
    case .activation:
      return [Activation.relu, .tanh].map { activation in variant(activation.rawValue) { $0.activation = activation } }
    case .keep: return [1.0, 0.9, 0.8, 0.7, 0.6, 0.5].map { keep in variant("\(keep)") { $0.keep = keep } }
    case .neurons:
      return [100, 200, 400, 800].map { neurons in
        variant("\(neurons)") { $0.hidden = Array(repeating: neurons, count: depth) }
      }
    case .layers:
      return [1, 3, 5, 7].map { layers in variant("\(layers)") { $0.hidden = Array(repeating: width, count: layers) } }
    case .shape:
      return NetworkShape.allCases.map { shape in
        variant(shape.rawValue) { $0.hidden = shape.widths(mean: width) }
      }
    }
  }
}

/// The shapes of the paper's Fig. 14: three layers, one total.
public enum NetworkShape: String, CaseIterable, Sendable {
  case constant, increasing, decreasing, diamond

  /// - Parameter mean: neurons a layer on average; 200 gives the paper's.
  public func widths(mean: Int) -> [Int] {
    switch self {
    case .constant: [mean, mean, mean]
    case .increasing: [mean / 2, mean, 3 * mean - mean / 2 - mean]
    case .decreasing: [3 * mean - mean / 2 - mean, mean, mean / 2]
    case .diamond: [3 * mean / 4, 3 * mean - 2 * (3 * mean / 4), 3 * mean / 4]
    }
  }
}
