import Features
import Foundation

/// Ends a child process when its launcher is gone, however that died: the launcher holds the other end of our
/// standard input.
enum Lifeline {
  /// The thread that waits; it ends with the process.
  private static let thread = NamedThread("lifeline") {
    while !FileHandle.standardInput.availableData.isEmpty {}
    exit(1)
  }

  static func hold() { _ = thread }
}
