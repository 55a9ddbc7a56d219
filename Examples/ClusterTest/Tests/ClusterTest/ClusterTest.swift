import Run
import Testing

@Test("A cluster's shape does not show in what it trains")
func shape() throws {
  let place = try Place()
  defer { place.remove() }
  func digest(servers: Int, workers: Int) throws -> String {
    var settings = try place.settings(rows: 2000, run: "\(servers)-\(workers)")
    settings.cluster.servers = servers
    settings.cluster.workers = workers
    return try Training(settings).run().parameterDigest
  }
  let wide = try digest(servers: 1, workers: 2)
  #expect(try wide == digest(servers: 2, workers: 1) && wide.count == 64)
}
