import Foundation
import Run
import Testing

/// What is to be seen of processes that stand still.
@Suite(.serialized)
struct StacksTests {
  @Test("SIGQUIT prints the stacks of all threads, and the process goes on")
  func quit() throws {
    let tool = try Tool()
    let running = try tool.start([
      "coordinator", "--train", Sample.small, "--listen", FreePort.endpoint(), "--run-dir", tool.directory + "/run",
    ])
    #expect(running.waitToSay("waiting for 2 of 2 servers"))
    kill(running.process.processIdentifier, SIGQUIT)
    #expect(running.waitToSay("stacks of all threads of process \(running.process.processIdentifier)\n"))
    // The thread that runs the coordinator, in libzmq: names of our own are there if the linker exports them.
    #expect(running.waitToSay("zmq_poll"))
    #expect(running.waitToSay("takes no signals"), "libzmq's own threads block all")
    #expect(running.said.components(separatedBy: "\nthread ").count > 2)
    let before = running.said.count
    let deadline = Date(timeIntervalSinceNow: 20)
    while running.said.count == before, Date() < deadline { usleep(50_000) }
    #expect(running.process.isRunning && running.said.count > before, "it goes on waiting, and says so")
    running.process.interrupt()
    #expect(try running.wait(seconds: 30).status == 130)
  }

  @Test("The watchdog has whoever is silent print stacks, and ends it; what ends by itself keeps its status")
  func watchdog() throws {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Scripts/watched").path
    func watched(_ arguments: [String]) throws -> (status: Int32, output: String) {
      let process = Process()
      let pipe = Pipe()
      process.executableURL = URL(fileURLWithPath: script)
      process.arguments = arguments
      process.standardOutput = pipe
      process.standardError = pipe
      try process.run()
      let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      return (process.terminationStatus, output)
    }
    // A worker that nobody answers says so every few seconds only.
    let silent = try watched(["1", Tool.binary, "worker", "--coordinator", "tcp://127.0.0.1:1"])
    #expect(silent.status == 124, "\(silent.output)")
    #expect(silent.output.contains("nothing was printed for 1 s") && silent.output.contains("stacks of all threads"))
    let ended = try watched(["60", "/bin/sh", "-c", "echo one; echo two; exit 7"])
    #expect(ended.status == 7 && ended.output == "one\ntwo\n")
  }
}
