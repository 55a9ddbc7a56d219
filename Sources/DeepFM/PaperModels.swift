/// The models of the paper, as the command line names them.
public enum ModelName: String, Codable, Sendable, CaseIterable {
  case lr, fm, dnn, fnn, ipnn, opnn, pnn
  case lrDNN = "lr-dnn"
  case fmDNN = "fm-dnn"
  case deepFMD = "deepfm-d"
  case deepFMIP = "deepfm-ip"
  case deepFMOP = "deepfm-op"
  case deepFMP = "deepfm-p"

  /// What the model is made of (paper, sections II and III; its baselines in IV-A.3).
  public var definition: ModelDefinition {
    switch self {
    case .lr: ModelDefinition(wide: .linear)
    case .fm: ModelDefinition(wide: .factorization)
    case .dnn: ModelDefinition(wide: .none, deep: .init(vectors: .own))
    case .fnn: ModelDefinition(wide: .none, deep: .init(vectors: .factorizationMachine), pretraining: .fm)
    case .ipnn: ModelDefinition(wide: .none, deep: .init(vectors: .own, products: .inner))
    case .opnn: ModelDefinition(wide: .none, deep: .init(vectors: .own, products: .outer))
    case .pnn: ModelDefinition(wide: .none, deep: .init(vectors: .own, products: .both))
    case .lrDNN: ModelDefinition(wide: .linear, deep: .init(vectors: .own))
    case .fmDNN: ModelDefinition(wide: .factorization, deep: .init(vectors: .own))
    case .deepFMD: ModelDefinition(wide: .factorization, deep: .init(vectors: .shared))
    case .deepFMIP: ModelDefinition(wide: .factorization, deep: .init(vectors: .shared, products: .inner))
    case .deepFMOP: ModelDefinition(wide: .factorization, deep: .init(vectors: .shared, products: .outer))
    case .deepFMP: ModelDefinition(wide: .factorization, deep: .init(vectors: .shared, products: .both))
    }
  }

  /// The name in the paper's tables.
  public var title: String {
    switch self {
    case .lr, .fm, .dnn, .fnn, .ipnn, .opnn: rawValue.uppercased()
    case .pnn: "PNN*"
    case .lrDNN: "LR & DNN"
    case .fmDNN: "FM & DNN"
    case .deepFMD: "DeepFM-D"
    case .deepFMIP: "DeepFM-IP"
    case .deepFMOP: "DeepFM-OP"
    case .deepFMP: "DeepFM-*P"
    }
  }
}
