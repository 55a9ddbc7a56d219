import Foundation
import Testing

@testable import Run

struct ScratchDirectoryTests {
  @Test("What a process that is gone has left is removed, what others use or own is not")
  func sweeping() throws {
    let parent = FileManager.default.temporaryDirectory.path + "/scratch-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: parent) }
    let gone = Process()
    gone.executableURL = URL(fileURLWithPath: "/bin/true")
    try gone.run()
    gone.waitUntilExit()
    let stale = ["deepfm-score-3-\(gone.processIdentifier)", "deepfm-bench-\(gone.processIdentifier)"]
    let kept = [
      "deepfm-score-9-\(ProcessInfo.processInfo.processIdentifier)", "deepfm-\(UUID().uuidString)", "deepfm-x-1-y",
      "other-score-3-\(gone.processIdentifier)", "deepfm-score-x-\(gone.processIdentifier)", "deepfm-data-0",
    ]
    for name in stale + kept {
      try FileManager.default.createDirectory(atPath: "\(parent)/\(name)/logs", withIntermediateDirectories: true)
    }
    let (first, second) = try (ScratchDirectory("split", in: parent), ScratchDirectory("split", in: parent))
    #expect(first.path != second.path)
    let found = Set(try FileManager.default.contentsOfDirectory(atPath: parent))
    #expect(found.isSuperset(of: kept) && found.isDisjoint(with: stale) && found.count == kept.count + 2)
    first.remove()
    #expect(!FileManager.default.fileExists(atPath: first.path))
  }
}
