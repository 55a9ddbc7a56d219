import DeepFM
import Features
import Sharding

/// What a row's logit is made of.
public struct Explanation: Sendable {
  /// A field's part of it.
  public struct Share: Sendable {
    /// `Σ w x` of its features: the order-1 term of eq. 4; 0 where the model has none.
    public var first = 0.0
    /// Half of `Σ ⟨e, e'⟩` with the vectors of all other fields: of an interaction each of both has half. 0 where the model has none.
    public var second = 0.0
  }

  /// With what is added for rows that were not trained on (`NegativeSampling`).
  public var bias: Double
  /// By field.
  public var shares: [Share]
  public var logit: Double

  /// What the deep part makes of all fields together.
  public var deep: Double { logit - bias - shares.reduce(0) { $0 + $1.first + $1.second } }
}

extension BlockScorer {
  /// Takes the logits of rows apart.
  public func explain(_ rows: Batch) -> [Explanation] {
    var logits: [Float] = []
    score(rows) { logits += $2 }
    return logits.indices.map { explain(rows, $0, logit: logits[$0]) }
  }

  private func explain(_ rows: Batch, _ row: Int, logit: Float) -> Explanation {
    let definition = model.configuration.model.definition
    let k = model.configuration.embedding
    var shares = [Explanation.Share](repeating: .init(), count: rows.fields)
    var vectors = [[Double]](repeating: [Double](repeating: 0, count: k), count: rows.fields)
    for field in 0..<rows.fields {
      let cell = row * rows.fields + field
      for entry in Int(rows.offsets[cell])..<Int(rows.offsets[cell + 1]) {
        guard let parameters = parameters(of: rows.keys[entry], field: field) else { continue }
        let x = Double(rows.values[entry])
        if definition.wide != .none { shares[field].first += Double(parameters[0]) * x }
        guard definition.wide == .factorization else { continue }
        for column in 0..<k { vectors[field][column] += Double(parameters[1 + column]) * x }
      }
    }
    for column in 0..<k {
      let sum = vectors.reduce(0) { $0 + $1[column] }
      for field in shares.indices {
        let own = vectors[field][column]
        shares[field].second += own * (sum - own) / 2
      }
    }
    let bias = model.model.dense.tensors.first { $0.name == "bias" }.map { Double(model.state.dense[$0.offset]) }
    return Explanation(bias: (bias ?? 0) + (model.configuration.logitShift ?? 0), shares: shares, logit: Double(logit))
  }

  /// The row that a feature is read as; nil for zeros.
  private func parameters(of key: UInt64, field: Int) -> UnsafePointer<Float>? {
    if let row = model.state.row(of: Rank.of(key)) { return row }
    return model.usesAdmission ? model.state.row(of: Rank.of(model.encoding.otherKeys[field])) : nil
  }
}
