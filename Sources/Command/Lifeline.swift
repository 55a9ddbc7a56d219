import Foundation

/// Ends a child process when its launcher is gone, however that died: the launcher holds the other end of our
/// standard input.
enum Lifeline {
  static func hold() {
    let thread = Thread {
      while !FileHandle.standardInput.availableData.isEmpty {}
      exit(1)
    }
    thread.name = "lifeline"
    thread.start()
  }
}
