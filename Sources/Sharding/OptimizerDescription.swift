import Foundation

/// How a table's rows follow their gradients: a rule, and a learning rate that may change from step to step.
public struct OptimizerDescription: Codable, Hashable, Sendable {
  /// Updates are lazy: a row changes, and its state with it, only in steps that touch it.
  public enum Rule: Codable, Hashable, Sendable {
    /// `θ -= α g`
    case sgd
    /// `v = β v + g; θ -= α v` (Polyak 1964).
    case momentum(beta: Double)
    /// `s += g²; θ -= α g / (√s + ε)` (Duchi, Hazan, Singer 2011).
    case adagrad(epsilon: Double)
    /// `s = ρ s + (1-ρ) g²; θ -= α g / (√s + ε)` (Tieleman, Hinton 2012).
    case rmsProp(decay: Double, epsilon: Double)
    /// Kingma & Ba 2015, algorithm 1, per row: the bias correction counts the row's own updates. With `weightDecay` λ,
    /// AdamW (Loshchilov, Hutter 2019): `θ -= α λ θ` besides.
    case adam(beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double)
    /// FTRL-Proximal (McMahan et al. 2013, algorithm 1), α being the learning rate.
    case ftrl(beta: Double, l1: Double, l2: Double)

    /// What a row keeps besides its parameters, each as wide as these, in their order.
    public var states: [String] {
      switch self {
      case .sgd: []
      case .momentum: ["velocity"]
      case .adagrad: ["squares"]
      case .rmsProp: ["mean_square"]
      case .adam: ["m", "v"]
      case .ftrl: ["z", "n"]
      }
    }

    /// Whether a row keeps, behind these, how often it was updated, as the bits of a UInt32.
    public var countsUpdates: Bool { if case .adam = self { true } else { false } }

    /// Floats that a row keeps besides its parameters.
    public func stateWidth(of width: Int) -> Int { states.count * width + (countsUpdates ? 1 : 0) }
  }

  /// What becomes of the learning rate after warming up.
  public enum Decay: Codable, Hashable, Sendable {
    case none
    /// Multiplied by `factor` every `steps` steps, smoothly.
    case exponential(factor: Double, steps: Double)
    /// Falls to 0 at step `steps` along half a cosine.
    case cosine(steps: Double)
  }

  public var rule: Rule
  public var learningRate: Double
  /// Steps in which the rate grows in a straight line to its full value; 0 for none.
  public var warmUp: Int
  public var decay: Decay

  public init(_ rule: Rule, learningRate: Double, warmUp: Int = 0, decay: Decay = .none) {
    self.rule = rule
    self.learningRate = learningRate
    self.warmUp = warmUp
    self.decay = decay
  }

  /// Adam with its authors' constants.
  public static func adam(learningRate: Double) -> OptimizerDescription {
    OptimizerDescription(.adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0), learningRate: learningRate)
  }

  /// The learning rate of a step, counted from 0: a function of the step alone.
  public func learningRate(atStep step: UInt64) -> Double {
    let step = Double(step)
    let warm = warmUp > 0 ? min(1, (step + 1) / Double(warmUp)) : 1
    let decayed =
      switch decay {
      case .none: 1.0
      case .exponential(let factor, let steps): pow(factor, step / steps)
      case .cosine(let steps): (1 + cos(.pi * min(1, step / steps))) / 2
      }
    return learningRate * warm * decayed
  }
}
