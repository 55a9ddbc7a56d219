import ArgumentParser
import Features
import Foundation
import Job

/// A place for copies of data while a command runs.
struct ScratchDirectory {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/deepfm-\(ProcessInfo.processInfo.processIdentifier)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  func remove() { try? FileManager.default.removeItem(atPath: path) }

  /// How to read data for a command, with progress shown.
  func reading(_ job: JobConfiguration, _ what: String, _ console: Console) -> ReadingOptions {
    ReadingOptions(spool: path, badRows: job.badRowPolicy) { read, total in
      try Interruption.check()
      console.show(what, share: Double(read) / Double(max(1, total)))
    }
  }
}

extension Console {
  func sayWhatWasSkipped(_ index: DatasetIndex, _ what: String = "") {
    guard index.skipped > 0 else { return }
    say(
      "skipped \(Format.count(Double(index.skipped))) bad rows\(what)"
        + (index.firstBadRow.map { ", the first: \($0)" } ?? ""))
  }
}

extension DataFiles {
  /// Refuses to write where the data are read from.
  static func protect(_ data: [String], from outputs: [String]) throws {
    if let path = collision(of: outputs, with: data) {
      throw ValidationError("--out: \(path) is one of the data files, which it would replace. Choose another name.")
    }
  }
}
