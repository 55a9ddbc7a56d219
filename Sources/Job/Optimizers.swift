import Sharding

/// The optimizers, as the command line names them.
public enum OptimizerName: String, Codable, Sendable, CaseIterable {
  case sgd, momentum, adagrad, rmsprop, adam, adamw, ftrl
}

/// What epochs are compared by, on the validation data.
public enum BestBy: String, Codable, Sendable, CaseIterable {
  case logloss, auc

  public var text: String { self == .auc ? "AUC" : rawValue }
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

extension Settings {
  /// The sparse table's optimizer: FTRL for a model that is only linear (the paper's LR), else Adam, unless named.
  public func sparseOptimizer(totalSteps: Int) -> OptimizerDescription {
    let isLinear = model.model.definition.wide == .linear && model.model.definition.deep == nil
    return describe(optimization.optimizer ?? (isLinear ? .ftrl : .adam), totalSteps: totalSteps)
  }

  /// The dense table's optimizer: Adam, unless named.
  public func denseOptimizer(totalSteps: Int) -> OptimizerDescription {
    describe(
      optimization.denseOptimizer ?? optimization.optimizer.map { $0 == .ftrl ? .adam : $0 } ?? .adam,
      totalSteps: totalSteps)
  }

  private func describe(_ name: OptimizerName, totalSteps: Int) -> OptimizerDescription {
    let rule: OptimizerDescription.Rule =
      switch name {
      case .sgd: .sgd
      case .momentum: .momentum(beta: 0.9)
      case .adagrad: .adagrad(epsilon: 1e-8)
      case .rmsprop: .rmsProp(decay: 0.9, epsilon: 1e-8)
      case .adam: .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0)
      case .adamw: .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: optimization.weightDecay)
      case .ftrl: .ftrl(beta: optimization.ftrlBeta, l1: optimization.l1, l2: optimization.ftrlL2)
      }
    let decay: OptimizerDescription.Decay =
      switch optimization.schedule {
      case .constant: .none
      case .exponential: .exponential(factor: optimization.decayFactor, steps: Double(optimization.decaySteps))
      case .cosine: .cosine(steps: Double(max(1, totalSteps)))
      }
    // FTRL's rate is its authors' alpha, of another size than Adam's.
    let base = name == .ftrl ? optimization.ftrlAlpha : optimization.learningRate
    return OptimizerDescription(rule, learningRate: base * rateFactor, warmUp: optimization.warmUp, decay: decay)
  }

  private var rateFactor: Double {
    switch optimization.rateScaling {
    case .none: 1
    case .sqrt: Double(cluster.workers).squareRoot()
    case .linear: Double(cluster.workers)
    }
  }
}
