import Features
import Foundation
import Run
import Testing

/// The simulator against what it simulates.
@Suite(.serialized)
struct RealClusterTests {
  /// FNN is left out: it trains the FM that it starts from for as many epochs as itself, which makes lives too long.
  @Test("A simulated cluster comes to the bits of a real one", arguments: [0, 1, 2])
  func digest(scenario: Int) throws {
    let directory = FileManager.default.temporaryDirectory.path + "/deepfm-real-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let world = try World(scenario: scenario, directory: directory)
    try world.takeReference()
    let simulated = world.reference.results.compactMap { $0 }

    // The simulator cuts a small file into many chunks; packed, they stay as they are.
    let (train, valid) = (directory + "/train.pack", directory + "/valid.pack")
    _ = try Packing.pack(world.index, vocabulary: nil, to: train)
    _ = try Packing.pack(world.evaluation, vocabulary: nil, to: valid)
    var settings = world.plans.last!
    settings.data.train = [train]
    settings.data.valid = [valid]
    settings.cluster.servers = 2
    settings.cluster.workers = 3
    settings.cluster.timeout = 60
    settings.runDirectory = directory + "/run"
    let real = try Training(settings).run().result
    #expect(real.parameterDigest == simulated.last?.parameterDigest)
    #expect(real.epochs.map(\.trainLogloss) == simulated.last?.epochs.map(\.trainLogloss))
    #expect(real.epochs.map(\.auc) == simulated.last?.epochs.map(\.auc))
    #expect(real.epochs.map(\.logloss) == simulated.last?.epochs.map(\.logloss))
  }
}
