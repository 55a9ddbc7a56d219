import Foundation
import Run

/// Files of charts.
enum Charts {
  static func write(_ svg: String, to path: String) throws {
    do {
      let folder = (path as NSString).deletingLastPathComponent
      if !folder.isEmpty {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      }
      try svg.write(toFile: path, atomically: true, encoding: .utf8)
    } catch {
      throw RunFailure.failed("\(path) cannot be written: \(error.localizedDescription)")
    }
  }
}
