import DeepFM
import Sharding
import Testing
import Wire

@testable import Job

struct JobConfigurationTests {
  @Test("What cannot run is refused with the key, the value and the way out")
  func validation() throws {
    try JobConfiguration().validate()
    func message(_ change: (inout JobConfiguration) -> Void) -> String? {
      var job = JobConfiguration()
      change(&job)
      return #expect(throws: ConfigurationError.self) { try job.validate() }?.description
    }
    #expect(message { $0.epochs = 0 } == "epochs: 0 cannot be used: a run has at least 1 epoch.")
    #expect(message { $0.batch = 4095 }?.hasPrefix("batch: 4095") == true)
    #expect(message { $0.batch = 4 }?.hasPrefix("batch: 4") == true)
    #expect(message { $0.workers = 9 }?.contains("every worker needs a slice") == true)
    #expect(message { $0.keep = 0 }?.hasPrefix("keep: 0.0") == true)
    #expect(message { $0.keep = 1.1 } != nil)
    #expect(message { $0.learningRate = .nan } != nil)
    #expect(message { $0.l2 = -1 } != nil)
    #expect(message { $0.hidden = [4, 0] } != nil)
    #expect(message { $0.servers = 0 } != nil)
    #expect(message { $0.timeout = 0 } != nil)
  }

  @Test("A model's tables cover its parameters: one row a key, one row a dense block")
  func tables() throws {
    let model = try makeModel(ModelConfiguration(fields: 3, embedding: 4, hidden: [50, 20]))
    var job = JobConfiguration()
    job.learningRate = 0.25
    let tables = ParameterTables.describe(model, job, totalSteps: 100)
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
    var job = JobConfiguration()
    func rules() -> [OptimizerDescription.Rule] {
      [job.sparseOptimizer(totalSteps: 10).rule, job.denseOptimizer(totalSteps: 10).rule]
    }
    let adam = OptimizerDescription.adam(learningRate: 1).rule
    #expect(rules() == [adam, adam])
    job.model = .lr
    #expect(rules() == [.ftrl(beta: 0.01, l1: 0, l2: 0), adam])
    job.optimizer = .sgd
    #expect(rules() == [.sgd, .sgd])
    job.denseOptimizer = .momentum
    #expect(rules() == [.sgd, .momentum(beta: 0.9)])
    job.workers = 4
    job.rateScaling = .sqrt
    #expect(job.sparseOptimizer(totalSteps: 10).learningRate == 2 * job.learningRate)
    job.schedule = .cosine
    #expect(job.sparseOptimizer(totalSteps: 10).decay == .cosine(steps: 10))
  }

  @Test("Scores survive their message; another size than announced is refused")
  func scores() throws {
    let block = ScoreBlock(round: 2, chunk: 5, firstRow: 2048, labels: [0, 1, 1], logits: [-1, 0.5, 2])
    let message = block.message(view: 1)
    let received = try ScoreBlock(message)
    #expect(received.round == 2 && received.chunk == 5 && received.firstRow == 2048)
    #expect(received.labels == block.labels && received.logits == block.logits)
    var wrong = message
    wrong.header.count = 2
    #expect(throws: WireError.self) { try ScoreBlock(wrong) }
    wrong = message
    wrong.header.clock = .max
    #expect(throws: WireError.self) { try ScoreBlock(wrong) }
  }
}
