import DeepFM
import Sharding

/// The tables of every model: what a model's layouts become on the servers.
public enum ParameterTables {
  /// One row a feature key.
  public static let sparse = 0
  /// One row a block of `DenseLayout.blockSize` dense parameters; its key is the block's number.
  public static let dense = 1

  /// - Parameters:
  ///   - totalSteps: of the whole run, which a cosine schedule ends with.
  ///   - epochSteps: of an epoch.
  ///   - otherKeys: the features that stand for those not admitted yet. Their rows stay.
  public static func describe(
    _ model: any Model<Float>, _ settings: Settings, totalSteps: Int, epochSteps: Int = 1,
    otherKeys: [UInt64] = []
  ) -> [TableDescription] {
    let columns = model.sparse.columns.map {
      TableDescription.Columns(name: $0.name, width: $0.width, initializer: .init($0.initializer), l2: $0.l2)
    }
    let regions = model.dense.tensors.map { tensor in
      TableDescription.Region(
        firstKey: UInt64(tensor.offset / DenseLayout.blockSize),
        columns: [
          .init(
            name: tensor.name, width: DenseLayout.blockSize, initializer: .init(tensor.initializer),
            l2: settings.optimization.denseL2)
        ])
    }
    let sightings = settings.data.admitAfter
    let staleness = settings.cluster.staleness
    let others = otherKeys.map { Rank.of($0) }
    let eviction = settings.data.evict.map {
      TableDescription.Eviction(
        $0.rule(epochSteps: epochSteps), every: UInt64(settings.data.evictEvery ?? max(1, epochSteps)), kept: others)
    }
    return [
      TableDescription(
        name: "sparse", regions: [.init(firstKey: 0, columns: columns)],
        optimizer: settings.sparseOptimizer(totalSteps: totalSteps),
        admission: sightings > 1 ? .init(sightings: sightings, alwaysAdmitted: others) : nil,
        eviction: eviction,
        staleness: staleness[sparse]),
      TableDescription(
        name: "dense", regions: regions, optimizer: settings.denseOptimizer(totalSteps: totalSteps),
        staleness: staleness[dense]),
    ]
  }
}

extension TableDescription.Initializer {
  init(_ initializer: Initializer) {
    self =
      switch initializer {
      case .zero: .zero
      case .normal(let deviation): .normal(deviation: deviation)
      case .uniform(let bound): .uniform(bound: bound)
      }
  }
}
