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

  static func hold() {
    endWithLauncher()
    _ = thread
  }

  /// A process that is stopped sees no end of its input. So the kernel is to kill it too when the thread that launched
  /// it ends: launchers wait in that thread until their children are gone.
  private static func endWithLauncher() {
    // Swift does not import functions of C with a variable number of arguments. Integers are passed to them like to others.
    typealias Control = @convention(c) (CInt, CUnsignedLong) -> CInt
    let dieWithParent: CInt = 1
    guard let control = dlsym(nil, "prctl") else { return }
    _ = unsafeBitCast(control, to: Control.self)(dieWithParent, CUnsignedLong(SIGKILL))
  }
}
