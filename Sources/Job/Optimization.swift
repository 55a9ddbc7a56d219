import DeepFM
import Sharding

/// The optimizers, as the command line names them.
public enum OptimizerName: String, Codable, Sendable, CaseIterable {
  case sgd, momentum, adagrad, rmsprop, adam, adamw, ftrl
}

/// How the learning rate goes on after warming up.
public enum Schedule: String, Codable, Sendable, CaseIterable {
  case constant
  /// Multiplied by `decay-factor` every `decay-steps` steps.
  case exponential
  /// To 0 at the end of the last epoch.
  case cosine
}

/// How the learning rate grows with the number of workers.
public enum RateScaling: String, Codable, Sendable, CaseIterable {
  case none
  /// By √N, since averaging over N workers shrinks the gradient's variance (paper, III-B.2).
  case sqrt
  case linear
}

extension JobConfiguration {
  /// The sparse table's optimizer: FTRL for a model that is only linear (the paper's LR), else Adam, unless named.
  public func sparseOptimizer(totalSteps: Int) -> OptimizerDescription {
    let isLinear = model.definition.wide == .linear && model.definition.deep == nil
    return describe(optimizer ?? (isLinear ? .ftrl : .adam), totalSteps: totalSteps)
  }

  /// The dense table's optimizer: Adam, unless named.
  public func denseOptimizer(totalSteps: Int) -> OptimizerDescription {
    describe(denseOptimizer ?? optimizer.map { $0 == .ftrl ? .adam : $0 } ?? .adam, totalSteps: totalSteps)
  }

  private func describe(_ name: OptimizerName, totalSteps: Int) -> OptimizerDescription {
    let rule: OptimizerDescription.Rule =
      switch name {
      case .sgd: .sgd
      case .momentum: .momentum(beta: 0.9)
      case .adagrad: .adagrad(epsilon: 1e-8)
      case .rmsprop: .rmsProp(decay: 0.9, epsilon: 1e-8)
      case .adam: .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0)
      case .adamw: .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: weightDecay)
      case .ftrl: .ftrl(beta: ftrlBeta, l1: l1, l2: ftrlL2)
      }
    let decay: OptimizerDescription.Decay =
      switch schedule {
      case .constant: .none
      case .exponential: .exponential(factor: decayFactor, steps: Double(decaySteps))
      case .cosine: .cosine(steps: Double(max(1, totalSteps)))
      }
    // FTRL's rate is its authors' alpha, of another size than Adam's.
    let base = name == .ftrl ? ftrlAlpha : learningRate
    return OptimizerDescription(rule, learningRate: base * rateFactor, warmUp: warmUp, decay: decay)
  }

  private var rateFactor: Double {
    switch rateScaling {
    case .none: 1
    case .sqrt: Double(workers).squareRoot()
    case .linear: Double(workers)
    }
  }
}
