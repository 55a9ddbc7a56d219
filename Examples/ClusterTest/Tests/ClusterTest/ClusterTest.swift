import Foundation
import Run
import Testing

@Test("A cluster's shape does not show in what it trains")
func shape() throws {
  let directory = FileManager.default.temporaryDirectory.path + "/cluster-test-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: directory) }
  let file = directory + "/clicks.txt"
  _ = try Synthesizer(truthSeed: 7, seed: 1, maximumCardinality: 100).write(rows: 2000, to: file)

  func digest(servers: Int, workers: Int) throws -> String {
    var settings = Settings()
    settings.data.train = [file]
    settings.model.hidden = [8]
    settings.optimization.batch = 256
    settings.cluster.servers = servers
    settings.cluster.workers = workers
    settings.runDirectory = "\(directory)/\(servers)-\(workers)"
    return try Training(settings).run().parameterDigest
  }
  let wide = try digest(servers: 1, workers: 2)
  #expect(try wide == digest(servers: 2, workers: 1) && wide.count == 64)
}
