import DeepFM
import Sharding
import Testing

@testable import Job

struct TableTests {
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
