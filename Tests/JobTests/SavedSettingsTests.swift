import Foundation
import Testing

@testable import Job

struct SavedSettingsTests {
  @Test("Settings come back as they were saved")
  func roundTrip() throws {
    var settings = Settings()
    settings.data.train = ["a", "b"]
    settings.optimization.seed = .max
    settings.optimization.learningRate = 1e-5
    settings.cluster.consistency = .lag(3)
    settings.cluster.checkpointEvery = .steps(20)
    settings.cluster.mostWorkers = 9
    settings.data.cache = true
    let data = try JSONEncoder().encode(SavedSettings(settings))
    #expect(try JSONDecoder().decode(SavedSettings.self, from: data).settings == settings)
  }

  @Test("What an earlier version did not know has its default")
  func missing() throws {
    let saved = try JSONDecoder().decode(SavedSettings.self, from: Data(#"{"train":["x"],"epochs":7,"keep":1}"#.utf8))
    var expected = Settings()
    expected.data.train = ["x"]
    expected.optimization.epochs = 7
    expected.model.keep = 1
    #expect(saved.settings == expected)
    #expect(try saved.differences(from: SavedSettings(Settings())) == ["train", "keep", "epochs"])
    #expect(try saved.text("train") == "x" && saved.text("schema") == "none")
  }
}
