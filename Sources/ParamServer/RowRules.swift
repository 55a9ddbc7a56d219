import Sharding

/// What a description says of each of a table's rows: where it starts, how it follows its gradients, who gets one.
struct RowRules {
  /// Parameters of a row.
  let width: Int
  /// Floats that a step brings for a row.
  let gradientWidth: Int
  /// Floats of a row with its optimizer state, its shows and clicks where these count, and its clock.
  let stride: Int
  let optimizer: RowOptimizer
  private let schedule: OptimizerDescription
  private let generator: CounterGenerator
  private let regions: [TableDescription.Region]
  private let firstKeys: [UInt64]
  /// Per region `[width]`.
  private let l2: [[Float]]
  /// How often a key must be met before it gets a row; nil: it needs not be.
  let sightings: Int?
  private let alwaysAdmitted: Set<UInt64>
  /// Which rows go again; nil: none.
  let eviction: RowEviction?

  /// - Throws: `ServerError.badTable` where the description contradicts itself.
  init(_ description: TableDescription, number: Int, seed: UInt64) throws(ServerError) {
    let width = description.width
    func require(_ condition: Bool, _ reason: String) throws(ServerError) {
      if !condition { throw ServerError.badTable(name: description.name, reason: reason) }
    }
    try require(width > 0 && width <= 1 << 20, "its rows are \(width) wide")
    for region in description.regions {
      let sum = region.columns.reduce(0) { $0 + $1.width }
      try require(sum == width && region.columns.allSatisfy { $0.width > 0 }, "its regions are not equally wide")
    }
    try require(description.regions[0].firstKey == 0, "its first region does not start at key 0")
    try require(description.regions.map(\.firstKey).ascends, "its regions are not in order")
    try require(description.admission.map { $0.sightings >= 1 } ?? true, "it admits keys after less than 1 sighting")
    try require((description.eviction?.every).map { 1...TableDescription.mostSteps ~= $0 } ?? true, "it evicts never")
    try require(description.eviction == nil || !description.isAsync, "it is async and evicts")
    self.width = width
    gradientWidth = description.gradientWidth
    schedule = description.optimizer
    optimizer = RowOptimizer(description.optimizer.rule, width: width)
    stride = gradientWidth + optimizer.stateWidth + RowClock.width
    generator = CounterGenerator(seed: seed, table: number)
    regions = description.regions
    firstKeys = regions.map(\.firstKey)
    l2 = regions.map { $0.columns.flatMap { [Float](repeating: Float($0.l2), count: $0.width) } }
    sightings = description.admission?.sightings
    alwaysAdmitted = Set(description.admission?.alwaysAdmitted ?? [])
    eviction = description.eviction.map { [width, stride] in RowEviction($0, width: width, stride: stride) }
  }

  /// Regions are by key; a table that has but one needs no keys.
  @inline(__always)
  private func region(of rank: UInt64) -> Int {
    regions.count == 1 ? 0 : firstKeys.position(ofFirstAbove: Rank.key(of: rank)) - 1
  }

  /// Whether anything is known of keys that have no rows.
  var hasCandidates: Bool { sightings != nil || eviction != nil }

  /// Whether a key gets its row only after some sightings.
  @inline(__always)
  func isCandidate(_ rank: UInt64) -> Bool { sightings != nil && !alwaysAdmitted.contains(rank) }

  /// Writes the `width` parameters that a row starts with.
  func start(of rank: UInt64, into row: UnsafeMutablePointer<Float>) {
    generator.fill(row, rank: rank, columns: regions[region(of: rank)].columns)
  }

  func learningRate(atStep step: UInt64) -> Float { Float(schedule.learningRate(atStep: step)) }

  /// Updates a row by its gradient, summed over samples.
  @inline(__always)
  func update(
    _ row: UnsafeMutablePointer<Float>, of rank: UInt64, sum: UnsafePointer<Float>, scale: Float, rate: Float
  ) {
    l2[region(of: rank)].withUnsafeBufferPointer {
      optimizer.apply(to: row, sum: sum, scale: scale, l2: $0.baseAddress!, rate: rate)
    }
  }
}
