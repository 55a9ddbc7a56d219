import Features
import Foundation

/// Data that several tests train on, made once.
enum Sample {
  static let directory: String = {
    let path = FileManager.default.temporaryDirectory.path + "/deepfm-data-\(ProcessInfo.processInfo.processIdentifier)"
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    atexit { try? FileManager.default.removeItem(atPath: Sample.directory) }
    return path
  }()

  private static func make(_ name: String, rows: Int, seed: UInt64, orders: Set<Int> = [1, 2, 3]) -> String {
    let path = "\(directory)/\(name)"
    let synthesizer = Synthesizer(truthSeed: 7, seed: seed, maximumCardinality: 100, orders: orders)
    guard (try? synthesizer.write(rows: rows, to: path)) != nil else { fatalError("cannot write \(path)") }
    return path
  }

  /// Enough to learn from.
  static let train = make("train.txt", rows: 150_000, seed: 1)
  static let valid = make("valid.txt", rows: 20_000, seed: 2)
  /// With effects of order 1 alone.
  static let linear = make("linear.txt", rows: 150_000, seed: 1, orders: [1])
  static let linearValid = make("linear-valid.txt", rows: 20_000, seed: 2, orders: [1])
  /// Enough to run through: not a multiple of any batch.
  static let small = make("small.txt", rows: 7_777, seed: 3)
  static let smallValid = make("small-valid.txt", rows: 1_234, seed: 4)

  /// `../shared/data`, where it is.
  static let shared: String? = {
    let places =
      [ProcessInfo.processInfo.environment["DEEPFM_SHARED"]].compactMap { $0 } + [
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
          .deletingLastPathComponent()
          .deletingLastPathComponent().appendingPathComponent("shared").path
      ]
    return places.map { $0 + "/data" }.first { FileManager.default.fileExists(atPath: $0) }
  }()

  /// Flags of a model that trains in a moment.
  static let tiny = ["--hidden", "16,8", "--embedding", "4", "--batch", "512", "--epochs", "2", "--timeout", "60"]
}
