import Foundation
import Run

/// Data and run directories of one test.
struct Place {
  let path = FileManager.default.temporaryDirectory.path + "/cluster-test-\(UUID().uuidString)"

  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

  func remove() { try? FileManager.default.removeItem(atPath: path) }

  /// A small model on synthesized data.
  func settings(rows: Int, run: String) throws -> Settings {
    let file = "\(path)/\(rows).txt"
    _ = try Synthesizer(truthSeed: 7, seed: 1, maximumCardinality: 100).write(rows: rows, to: file)
    var settings = Settings()
    settings.data.train = [file]
    settings.model.hidden = [8]
    settings.optimization.batch = 256
    settings.runDirectory = "\(path)/\(run)"
    return settings
  }
}
