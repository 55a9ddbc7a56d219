/// `σ(y_wide + y_deep)` (eq. 1) for any `ModelDefinition`, put together from layers.
struct WideAndDeepModel<Backend: ComputeBackend>: Model {
  typealias Scalar = Backend.Scalar

  let configuration: ModelConfiguration
  let sparse: SparseLayout
  let dense: DenseLayout
  private let plan: BufferPlan
  private let logits: Buffer
  private let logitGradient: Buffer
  private let linear: LinearTerm<Scalar>?
  /// One space, or two where wide and deep part have vectors of their own.
  private let embeddings: [EmbeddingLayer<Scalar>]
  private let interactions: PairwiseInteractions<Scalar>?
  private let inner: InnerProducts<Scalar>?
  private let outer: OuterProduct<Scalar>?
  private let network: DeepNetwork<Backend>?
  /// Of a model without a network; a network's output layer has it otherwise.
  private let bias: DenseLayout.Tensor?

  init(_ configuration: ModelConfiguration) {
    self.configuration = configuration
    let definition = configuration.model.definition
    let fields = configuration.fields
    let k = configuration.embedding
    let sparse = SparseLayout(definition, configuration)
    var plan = BufferPlan()
    var layout = DenseLayout()
    var embeddings: [EmbeddingLayer<Scalar>] = []

    logits = plan.reserve(perRow: 1)
    logitGradient = plan.reserve(perRow: 1)
    linear = definition.wide == .none ? nil : LinearTerm(column: 0, rowWidth: sparse.width)

    var deepVectors: FieldVectors?
    if let deep = definition.deep {
      let width = deep.vectors == .shared ? k : k + 1
      let innerCount = deep.products.hasInner ? InnerProducts<Scalar>.count(fields: fields) : 0
      let outerCount = deep.products.hasOuter ? OuterProduct<Scalar>.count(k: width) : 0
      let vectors = FieldVectors(fields: fields, k: width, products: innerCount + outerCount, plan: &plan)
      let column = deep.vectors == .own ? sparse.width - width : deep.vectors == .shared ? 1 : 0
      embeddings.append(EmbeddingLayer(column: column, rowWidth: sparse.width, vectors: vectors))
      let products = fields * width
      inner = deep.products.hasInner ? InnerProducts(vectors: vectors, offset: products) : nil
      outer = deep.products.hasOuter ? OuterProduct(vectors, offset: products + innerCount, plan: &plan) : nil
      network = DeepNetwork(
        inputs: vectors.stride, input: vectors.values, inputGradient: vectors.gradients, configuration,
        layout: &layout, plan: &plan)
      bias = nil
      deepVectors = vectors
    } else {
      inner = nil
      outer = nil
      network = nil
      bias = layout.append("bias", rows: 1, columns: 1, .zero)
    }

    if definition.wide == .factorization {
      if let deepVectors, definition.deep?.vectors == .shared {
        interactions = PairwiseInteractions(deepVectors, plan: &plan)
      } else {
        let vectors = FieldVectors(fields: fields, k: k, products: 0, plan: &plan)
        embeddings.append(EmbeddingLayer(column: 1, rowWidth: sparse.width, vectors: vectors))
        interactions = PairwiseInteractions(vectors, plan: &plan)
      }
    } else {
      interactions = nil
    }
    self.sparse = sparse
    self.embeddings = embeddings
    self.plan = plan
    dense = layout
  }

  func makeWorkspace(rows: Int) -> Workspace<Scalar> { Workspace(rows: rows, plan: plan) }

  private func forward(
    _ input: SliceInput<Scalar>, dense: UnsafePointer<Scalar>, counter: DropoutCounter?,
    logits: UnsafeMutablePointer<Scalar>, in workspace: Workspace<Scalar>
  ) {
    precondition(input.rows <= workspace.rows, "a slice of \(input.rows) rows in a workspace for \(workspace.rows)")
    logits.update(repeating: bias.map { dense[$0.offset] } ?? 0, count: input.rows)
    for embedding in embeddings { embedding.forward(input, in: workspace) }
    linear?.forward(input, logits: logits)
    interactions?.forward(rows: input.rows, logits: logits, in: workspace)
    inner?.forward(rows: input.rows, in: workspace)
    outer?.forward(rows: input.rows, in: workspace)
    network?.forward(rows: input.rows, dense: dense, counter: counter, logits: logits, in: workspace)
  }

  @_specialize(where Backend == OpenBLAS)
  func train(
    _ input: SliceInput<Scalar>, dense: UnsafePointer<Scalar>, dropout: DropoutCounter,
    sparseGradient: UnsafeMutablePointer<Scalar>, denseGradient: UnsafeMutablePointer<Scalar>,
    in workspace: Workspace<Scalar>
  ) -> Double {
    let rows = input.rows
    let delta = workspace[logitGradient]
    forward(input, dense: dense, counter: dropout, logits: workspace[logits], in: workspace)
    let loss = LogLoss.forwardBackward(logits: workspace[logits], labels: input.labels, rows: rows, gradient: delta)

    self.dense.clearPadding(of: denseGradient)
    sparseGradient.update(repeating: 0, count: input.uniqueCount * sparse.width)
    if let bias { denseGradient[bias.offset] = (0..<rows).reduce(0) { $0 + delta[$1] } }
    network?.backward(
      rows: rows, dense: dense, counter: dropout, logitGradient: delta, gradient: denseGradient, in: workspace)
    outer?.backward(rows: rows, in: workspace)
    inner?.backward(rows: rows, in: workspace)
    if let interactions {
      // The network has written the gradient of vectors it shares; those of the FM's own start from 0.
      if network == nil || embeddings.count > 1 {
        workspace[interactions.vectors.gradients].update(repeating: 0, count: rows * interactions.vectors.stride)
      }
      interactions.backward(rows: rows, logitGradient: delta, in: workspace)
    }
    for embedding in embeddings { embedding.backward(input, gradient: sparseGradient, in: workspace) }
    linear?.backward(input, logitGradient: delta, gradient: sparseGradient)
    return loss
  }

  @_specialize(where Backend == OpenBLAS)
  func predict(
    _ input: SliceInput<Scalar>, dense: UnsafePointer<Scalar>, logits: UnsafeMutablePointer<Scalar>,
    in workspace: Workspace<Scalar>
  ) {
    forward(input, dense: dense, counter: nil, logits: logits, in: workspace)
  }

  func hiddenOutputs(in workspace: Workspace<Scalar>) -> [(neurons: Int, values: UnsafeMutablePointer<Scalar>)] {
    network?.hiddenOutputs(in: workspace) ?? []
  }
}

extension SparseLayout {
  /// `[w]`, `[w | V]`, `[E]`, `[w | E]` or `[w | V | E]`: the wide part's columns, then the deep part's own.
  init(_ definition: ModelDefinition, _ configuration: ModelConfiguration) {
    let start = Initializer.normal(deviation: configuration.embeddingDeviation)
    let k = configuration.embedding
    let readsMachine = definition.deep?.vectors == .factorizationMachine
    columns = []
    if definition.wide != .none || readsMachine {
      columns.append(Column(name: "weight", width: 1, initializer: .zero, l2: configuration.l2))
    }
    if definition.wide == .factorization || readsMachine {
      columns.append(Column(name: "vector", width: k, initializer: start, l2: configuration.l2))
    }
    if definition.deep?.vectors == .own {
      columns.append(Column(name: "embedding", width: k + 1, initializer: start, l2: configuration.l2))
    }
  }
}
