import Foundation
import Synchronization

/// A place for files that nobody wants once a piece of work is done: `deepfm-<purpose>-<number>-<process>` where the
/// system keeps temporary files. A process that was killed leaves its own behind; the next to make one removes those.
public final class ScratchDirectory: Sendable {
  public let path: String

  private static let made = Atomic<Int>(0)

  /// - Parameter purpose: a word.
  /// - Throws: Foundation's error where the directory cannot be made.
  public convenience init(_ purpose: String) throws {
    try self.init(purpose, in: FileManager.default.temporaryDirectory.path)
  }

  init(_ purpose: String, in parent: String) throws {
    Self.sweep(parent)
    let number = Self.made.add(1, ordering: .relaxed).newValue
    path = "\(parent)/deepfm-\(purpose)-\(number)-\(ProcessInfo.processInfo.processIdentifier)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { remove() }

  public func remove() { try? FileManager.default.removeItem(atPath: path) }

  /// Removes the scratch directories of processes that are gone.
  private static func sweep(_ parent: String) {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? [] {
      guard let owner = owner(of: name), kill(owner, 0) != 0, errno == ESRCH else { continue }
      try? FileManager.default.removeItem(atPath: "\(parent)/\(name)")
    }
  }

  /// The process that made a directory of this name; nil where it is none of ours.
  static func owner(of name: String) -> Int32? {
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3 || parts.count == 4, parts[0] == "deepfm", parts.count == 3 || Int(parts[2]) != nil,
      let process = Int32(parts[parts.count - 1]), process > 0
    else { return nil }
    return process
  }
}
