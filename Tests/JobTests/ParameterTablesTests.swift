import DeepFM
import Sharding
import Testing

@testable import Job

@Suite("The tables of a model")
struct ParameterTablesTests {
  @Test("A model's tables cover its parameters: one row a key, one row a dense block")
  func tables() throws {
    let model = try makeModel(ModelConfiguration(fields: 3, embedding: 4, hidden: [50, 20]))
    var settings = Settings()
    settings.optimization.learningRate = 0.25
    let tables = ParameterTables.describe(model, settings, totalSteps: 100)
    #expect(tables[ParameterTables.sparse].width == 5)
    #expect(tables[ParameterTables.sparse].regions[0].columns.map(\.width) == [1, 4])
    #expect(tables[ParameterTables.dense].width == DenseLayout.blockSize)
    #expect(
      tables[ParameterTables.dense].regions.map(\.firstKey)
        == model.dense.tensors.map { UInt64($0.offset / DenseLayout.blockSize) })
    #expect(tables.allSatisfy { $0.optimizer.learningRate == 0.25 })
  }

  @Test("Columns start and decay as the model says, dense blocks as the settings say")
  func columns() throws {
    var settings = Settings()
    (settings.model.embeddingDeviation, settings.model.l2) = (0.25, 0.125)
    settings.optimization.denseL2 = 0.5
    let model = try makeModel(settings.modelConfiguration(fields: 2))
    let tables = ParameterTables.describe(model, settings, totalSteps: 100)
    let sparse = tables[ParameterTables.sparse].regions[0].columns
    #expect(sparse.map(\.l2) == model.sparse.columns.map(\.l2) && sparse.contains { $0.l2 == 0.125 })
    #expect(
      sparse.contains { $0.initializer == .normal(deviation: 0.25) } && sparse.contains { $0.initializer == .zero })
    #expect(tables[ParameterTables.dense].regions.flatMap(\.columns).allSatisfy { $0.l2 == 0.5 })
    #expect(Set(tables[ParameterTables.dense].regions.map(\.firstKey)).count == model.dense.tensors.count)
  }

  @Test("Keys need not be met first where one sighting is enough; else those that stand for others need not")
  func admission() throws {
    var settings = Settings()
    let model = try makeModel(settings.modelConfiguration(fields: 2))
    #expect(
      ParameterTables.describe(model, settings, totalSteps: 1, otherKeys: [5, 9]).allSatisfy { $0.admission == nil })
    settings.data.admitAfter = 3
    let tables = ParameterTables.describe(model, settings, totalSteps: 1, otherKeys: [5, 9])
    #expect(tables[ParameterTables.sparse].admission == .init(sightings: 3, alwaysAdmitted: [Rank.of(5), Rank.of(9)]))
    #expect(tables[ParameterTables.dense].admission == nil)
  }

  @Test("Each part has the optimizer named, or the model's own")
  func optimizers() {
    var settings = Settings()
    func rules() -> [OptimizerDescription.Rule] {
      [settings.sparseOptimizer(totalSteps: 10).rule, settings.denseOptimizer(totalSteps: 10).rule]
    }
    let adam = OptimizerDescription.adam(learningRate: 1).rule
    #expect(rules() == [adam, adam])
    settings.model.model = .lr
    #expect(rules() == [.ftrl(beta: 0.01, l1: 0, l2: 0), adam])
    settings.optimization.optimizer = .sgd
    #expect(rules() == [.sgd, .sgd])
    settings.optimization.denseOptimizer = .momentum
    #expect(rules() == [.sgd, .momentum(beta: 0.9)])
    settings.cluster.workers = 4
    settings.optimization.rateScaling = .sqrt
    #expect(settings.sparseOptimizer(totalSteps: 10).learningRate == 2 * settings.optimization.learningRate)
    settings.optimization.schedule = .cosine
    #expect(settings.sparseOptimizer(totalSteps: 10).decay == .cosine(steps: 10))
  }
}
