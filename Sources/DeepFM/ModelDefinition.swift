/// What a model is made of. The paper's thirteen models are values of it (`PaperModels.swift`).
public struct ModelDefinition: Sendable, Hashable {
  /// The part that is read off the input directly.
  public enum Wide: Sendable, Hashable {
    case none
    /// `<w, x>`
    case linear
    /// Eq. 4: the linear term and the pairwise interactions of latent vectors V of width k.
    case factorization
  }

  /// What the deep network reads.
  public enum Vectors: Sendable, Hashable {
    /// The FM's V, of width k, trained by both parts.
    case shared
    /// Vectors of its own, of width k+1 (paper, III-C.1 and IV-A.4).
    case own
    /// A trained FM's `[w | V]`, k+1 wide, as a start (FNN).
    case factorizationMachine
  }

  /// The products that a PNN puts beside the vectors (eq. 9).
  public enum Products: Sendable, Hashable {
    case none, inner, outer, both

    var hasInner: Bool { self == .inner || self == .both }
    var hasOuter: Bool { self == .outer || self == .both }
  }

  public struct Deep: Sendable, Hashable {
    var vectors: Vectors
    var products = Products.none
  }

  public var wide: Wide
  public var deep: Deep?
  /// The model whose trained sparse rows this one starts from.
  public var pretraining: ModelName?

  init(wide: Wide, deep: Deep? = nil, pretraining: ModelName? = nil) {
    self.wide = wide
    self.deep = deep
    self.pretraining = pretraining
  }
}
