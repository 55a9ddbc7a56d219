import Features
import Foundation

/// Files of a benchmark.
struct Scratch {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/deepfm-bench-\(ProcessInfo.processInfo.processIdentifier)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  func remove() { try? FileManager.default.removeItem(atPath: path) }

  func synthesize(rows: Int, seed: UInt64 = 1, _ name: String) throws -> String {
    let file = "\(path)/\(name)"
    _ = try Synthesizer(truthSeed: 20_140_624, seed: seed).write(rows: rows, to: file)
    return file
  }
}
