/// How a parameter starts. The servers draw it from a generator that counts (seed, key, column), not from state.
public enum Initializer: Codable, Sendable, Hashable {
  case zero
  /// Mean 0.
  case normal(deviation: Double)
  /// In `-bound ..< bound`.
  case uniform(bound: Double)

  /// Glorot & Bengio 2010: for tanh and sigmoid.
  static func glorot(inputs: Int, outputs: Int) -> Initializer {
    .uniform(bound: (6 / Double(inputs + outputs)).squareRoot())
  }

  /// He et al. 2015: for relu.
  static func he(inputs: Int) -> Initializer { .uniform(bound: (6 / Double(inputs)).squareRoot()) }
}

/// How the weights of hidden layers start, by name.
public enum WeightInitialization: String, Codable, Sendable, CaseIterable {
  /// He for relu, Xavier for tanh and sigmoid.
  case auto
  case xavier, he
  /// Mean 0, deviation 0.01.
  case normal

  func initializer(inputs: Int, outputs: Int, activation: Activation) -> Initializer {
    switch self {
    case .auto: activation == .relu ? .he(inputs: inputs) : .glorot(inputs: inputs, outputs: outputs)
    case .xavier: .glorot(inputs: inputs, outputs: outputs)
    case .he: .he(inputs: inputs)
    case .normal: .normal(deviation: 0.01)
    }
  }
}

/// What a row of the embedding table holds, in groups of columns.
public struct SparseLayout: Codable, Sendable, Hashable {
  public struct Column: Codable, Sendable, Hashable {
    public var name: String
    public var width: Int
    public var initializer: Initializer
    /// λ of L2. Models leave it out of their gradients: the server adds `λ·θ` to the averaged gradient of a row that a
    /// step touches, and to no other.
    public var l2: Double
  }

  public var columns: [Column]

  public var width: Int { columns.reduce(0) { $0 + $1.width } }
}

/// The dense parameters: tensors one after the other, each from the start of a block.
public struct DenseLayout: Codable, Sendable, Hashable {
  public struct Tensor: Codable, Sendable, Hashable {
    public var name: String
    public var rows: Int
    public var columns: Int
    public var initializer: Initializer
    /// In elements of the dense vector; a multiple of `blockSize`.
    public var offset: Int

    public var count: Int { rows * columns }
  }

  /// Elements of a block, the row that servers store. What is left of a tensor's last block is never read, and its
  /// gradient is 0.
  public static let blockSize = 1024

  public private(set) var tensors: [Tensor] = []
  /// Elements of the dense vector: a multiple of `blockSize`.
  public private(set) var count = 0

  /// Adds a tensor behind the others.
  mutating func append(_ name: String, rows: Int, columns: Int, _ initializer: Initializer) -> Tensor {
    let tensor = Tensor(name: name, rows: rows, columns: columns, initializer: initializer, offset: count)
    tensors.append(tensor)
    count += (tensor.count + Self.blockSize - 1) / Self.blockSize * Self.blockSize
    return tensor
  }
}

extension DenseLayout {
  /// Zeros what lies between the tensors of a dense vector.
  func clearPadding<Scalar: ModelScalar>(of vector: UnsafeMutablePointer<Scalar>) {
    for (number, tensor) in tensors.enumerated() {
      let end = number + 1 < tensors.count ? tensors[number + 1].offset : count
      let used = tensor.offset + tensor.count
      (vector + used).update(repeating: 0, count: end - used)
    }
  }
}
