import Checkpoint
import Foundation
import Job
import Testing

@testable import Run

struct ResumptionTests {
  /// A run that has no more than its configuration.
  private static func run(_ settings: Settings) throws -> String {
    let path = FileManager.default.temporaryDirectory.path + "/resumption-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try Catalogue.create(at: path + "/run.sqlite", host: "here", process: 1)
      .record(RunFact.configuration, SavedSettings(settings))
    return path
  }

  @Test("What would make it another run is refused by its key, all else changes")
  func changes() throws {
    var settings = Settings()
    settings.data.train = ["a"]
    let path = try Self.run(settings)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let resumption = try Resumption(path) {
      $0.cluster.servers = 5
      $0.optimization.epochs = 9
      $0.optimization.learningRate = 0.5
    }
    #expect(resumption.settings.cluster.servers == 5 && resumption.settings.data.train == ["a"])
    #expect(resumption.changes.contains("servers 2 -> 5") && resumption.changes.contains("lr 0.001 -> 0.5"))
    var saved = settings
    try #require(resumption.rates).lay(over: &saved)
    #expect(saved.optimization.learningRate == 0.5 && saved.optimization.epochs == settings.optimization.epochs)
    #expect(try Resumption(path) { $0.optimization.epochs = 9 }.rates == nil)
    let forbidden: [(String, (inout Settings) -> Void)] = [
      ("model", { $0.model.model = .fm }), ("batch", { $0.optimization.batch = 8 }),
      ("slices", { $0.optimization.slices = 4 }), ("seed", { $0.optimization.seed = 3 }),
      ("optimizer", { $0.optimization.optimizer = .sgd }), ("admit-after", { $0.data.admitAfter = 2 }),
      ("consistency", { $0.cluster.consistency = .lag(1) }), ("schema", { $0.data.schema = "avazu" }),
    ]
    for (key, change) in forbidden {
      let error = #expect(throws: ConfigurationError.self) { try Resumption(path, changing: change) }
      #expect(error?.description.hasPrefix("\(key): ") == true, "\(String(describing: error))")
    }
  }

  @Test("A directory that is no run says what is in it")
  func noRun() throws {
    let path = FileManager.default.temporaryDirectory.path + "/resumption-\(UUID().uuidString)"
    #expect(throws: RunDirectoryError.missing(path: path)) { try Resumption(path) { _ in } }
    try FileManager.default.createDirectory(atPath: path + "/holiday", withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(throws: RunDirectoryError.noRun(path: path, holds: ["holiday"])) { try Resumption(path) { _ in } }
  }
}
