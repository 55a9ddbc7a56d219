/// DeepFM-D: `σ(y_FM + y_DNN)` (eq. 1), the FM (eq. 4) and the deep network (eqs. 7, 8) sharing their embeddings.
struct DeepFMD<Backend: ComputeBackend>: Model {
  typealias Scalar = Backend.Scalar

  let configuration: ModelConfiguration
  let sparse: SparseLayout
  let dense: DenseLayout
  private let embedding: EmbeddingLayer<Scalar>
  private let interactions: PairwiseInteractions<Scalar>
  private let network: DeepNetwork<Backend>

  init(_ configuration: ModelConfiguration) {
    self.configuration = configuration
    let (fields, k) = (configuration.fields, configuration.embedding)
    sparse = SparseLayout(columns: [
      .init(name: "weight", width: 1, initializer: .zero, l2: configuration.l2),
      .init(
        name: "vector", width: k, initializer: .normal(deviation: configuration.embeddingDeviation),
        l2: configuration.l2),
    ])
    var layout = DenseLayout()
    embedding = EmbeddingLayer(fields: fields, k: k)
    interactions = PairwiseInteractions(fields: fields, k: k)
    network = DeepNetwork(inputs: fields * k, configuration, layout: &layout)
    dense = layout
  }

  func makeWorkspace(rows: Int) -> Workspace<Scalar> {
    Workspace(
      rows: rows, embeddingWidth: configuration.fields * configuration.embedding, k: configuration.embedding,
      hidden: configuration.hidden)
  }

  private func forward(
    _ input: SliceInput<Scalar>, dense: UnsafePointer<Scalar>, counter: DropoutCounter?,
    logits: UnsafeMutablePointer<Scalar>, in workspace: Workspace<Scalar>
  ) {
    precondition(input.rows <= workspace.rows, "a slice of \(input.rows) rows in a workspace for \(workspace.rows)")
    embedding.forward(input, embeddings: workspace.embeddings, linear: logits)
    interactions.forward(workspace.embeddings, rows: input.rows, sums: workspace.fieldSums, logits: logits)
    network.forward(rows: input.rows, dense: dense, counter: counter, in: workspace, logits: logits)
  }

  @_specialize(where Backend == OpenBLAS)
  func train(
    _ input: SliceInput<Scalar>, dense: UnsafePointer<Scalar>, dropout: DropoutCounter,
    sparseGradient: UnsafeMutablePointer<Scalar>, denseGradient: UnsafeMutablePointer<Scalar>,
    in workspace: Workspace<Scalar>
  ) -> Double {
    forward(input, dense: dense, counter: dropout, logits: workspace.logits, in: workspace)
    let loss = LogLoss.forwardBackward(
      logits: workspace.logits, labels: input.labels, rows: input.rows, gradient: workspace.logitGradient)
    self.dense.clearPadding(of: denseGradient)
    network.backward(rows: input.rows, dense: dense, counter: dropout, in: workspace, gradient: denseGradient)
    interactions.backward(
      workspace.embeddings, rows: input.rows, sums: workspace.fieldSums, logitGradient: workspace.logitGradient,
      embeddingGradient: workspace.embeddingGradient)
    embedding.backward(
      input, embeddingGradient: workspace.embeddingGradient, logitGradient: workspace.logitGradient,
      gradient: sparseGradient)
    return loss
  }

  @_specialize(where Backend == OpenBLAS)
  func predict(
    _ input: SliceInput<Scalar>, dense: UnsafePointer<Scalar>, logits: UnsafeMutablePointer<Scalar>,
    in workspace: Workspace<Scalar>
  ) {
    forward(input, dense: dense, counter: nil, logits: logits, in: workspace)
  }
}
