import Foundation
import Testing

/// How runs end: well, with a sentence, and with no process left.
@Suite(.serialized)
struct EndingTests {
  @Test("A mistake is one line that names it and the way out, with the exit code of its kind, and leaves no process")
  func mistakes() throws {
    let tool = try Tool()
    let directory = tool.directory
    func file(_ name: String, _ text: String) throws -> String {
      try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
      return "\(directory)/\(name)"
    }
    let good = String(try String(contentsOfFile: Sample.small, encoding: .utf8).split(separator: "\n")[0])
    let columns = try file("columns.txt", "\(good)\n0\t1\t2\n")
    let label = try file("label.txt", "\(good)\nx\(good.dropFirst())\n")
    let empty = try file("empty.txt", "")
    let unknown = try file("unknown.yaml", "train: [x]\nepoch: 3\n")
    try FileManager.default.createDirectory(atPath: directory + "/taken", withIntermediateDirectories: true)
    let gzip = directory + "/cut.gz"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "gzip -c \(Sample.small) | head -c 20000 > \(gzip)"]
    try process.run()
    process.waitUntilExit()
    let busy = try PortHolder()
    let cases: [(arguments: [String], status: Int32, says: [String])] = [
      (["--train", "none.txt"], 1, ["none.txt: no such file"]),
      (["--train", columns], 1, ["columns.txt:2: expected 40 tab-separated columns, found 3", "Correct or remove"]),
      (["--train", label], 1, ["label.txt:2: expected the label 1, 0, -1, true, false, yes or no, found \"x\""]),
      (["--train", empty], 1, ["empty.txt: has no rows"]),
      (["--train", gzip], 1, ["cut.gz: the gzip data ends too early", "gzip -t"]),
      (["--train", Sample.small, "--valid", "none.txt"], 1, ["none.txt: no such file"]),
      (["--train", Sample.small, "--run-dir", directory + "/taken"], 2, ["taken exists", "--run-dir"]),
      (["--train", Sample.small, "--coordinator", busy.endpoint], 1, [busy.endpoint, "in use"]),
      (["--train", Sample.small, "--keep", "1.5"], 2, ["keep: 1.5 cannot be used"]),
      (
        ["--train", Sample.small, "--batch", "100", "--slices", "3"], 2,
        ["batch: 100 cannot be used", "multiple of slices"]
      ),
      (["--train", Sample.small, "--timeout", "1e30"], 2, ["timeout: 1e+30 cannot be used", "86400"]),
      (["--train", Sample.small, "--epochs", "1000000000"], 2, ["epochs: 1000000000 cannot be used"]),
      (["--config", unknown], 2, ["unknown.yaml: unknown key \"epoch\"", "\"epochs\""]),
      (["--config", "none.yaml"], 2, ["none.yaml: cannot be read"]),
      ([], 2, ["--train FILE"]),
      (["--train", Sample.small, "--epochs", "many"], 2, ["many", "--epochs"]),
      (["--train", Sample.small, "--model", "deepfm"], 2, ["there is no \"deepfm\"; did you mean \"deepfm-d\"?"]),
      (["--train", Sample.small, "--such"], 2, ["--such"]),
    ]
    for (number, mistake) in cases.enumerated() {
      let run = mistake.arguments.contains("--run-dir") ? [] : ["--run-dir", "\(directory)/run-\(number)"]
      let running = try tool.start(["train"] + mistake.arguments + run)
      let ended = try running.wait(seconds: 60)
      #expect(ended.status == mistake.status, "\(mistake.arguments): \(ended.errors)")
      for text in mistake.says { #expect(ended.errors.contains(text), "\(mistake.arguments): \(ended.errors)") }
      #expect(ended.output.isEmpty, "nothing is taken for a result")
      let lines = ended.errors.split(separator: "\n").filter { $0.hasPrefix("deepfm: ") && !$0.contains(" rows of ") }
      if mistake.status == 1 { #expect(lines.count == 1, "\(ended.errors)") }
    }
    for arguments in [
      ["evaluate", "--run-dir", "none", "--data", Sample.small],
      ["predict", "--run-dir", "none", "--data", Sample.small, "--out", "x"],
    ] {
      let ended = try tool.run(arguments)
      #expect(ended.status == 1 && ended.errors.contains("none/run.sqlite does not exist"))
    }
    for (directory, says) in [
      ("none", "none does not exist"), (directory + "/taken", "taken is no run: it holds nothing"),
    ] {
      let ended = try tool.run("train", "--resume", directory)
      #expect(ended.status == 2 && ended.errors.contains(says), "\(ended.errors)")
    }
    for command in [["status"], ["drain", "worker-0"]] {
      let ended = try tool.run(command + ["--coordinator", "tcp://127.0.0.1:9", "--timeout", "1"])
      #expect(ended.status == 1 && ended.errors.contains("nobody answers at tcp://127.0.0.1:9 within 1 s"))
    }
    for role in ["server", "worker"] {
      let ended = try tool.run(role, "--timeout", "nan")
      #expect(ended.status == 2 && ended.errors.contains("timeout: nan cannot be used"), "\(ended.errors)")
    }
    #expect(try tool.run("--help").status == 0)
    #expect(try tool.run("train", "--help").output.contains("--keep"))
  }

  /// Starts a run that is long enough to be disturbed in its second epoch.
  private static func longRun(_ tool: Tool) throws -> (running: Running, children: [Int32]) {
    let running = try tool.start(
      [
        "train", "--train", Sample.train, "--valid", Sample.smallValid, "--batch", "512", "--hidden", "200,200",
        "--epochs", "50", "--run-dir", tool.directory + "/run", "--timeout", "30",
      ])
    #expect(running.waitToSay("epoch 1  "), "\(running.said)")
    let children = Running.children(of: running.process.processIdentifier)
    #expect(children.count == 4)
    return (running, children)
  }

  @Test("Ctrl-C ends everyone within 5 s and leaves the last checkpoint whole", arguments: [SIGINT, SIGTERM])
  func interruption(signal: Int32) throws {
    let tool = try Tool()
    let (running, children) = try Self.longRun(tool)
    let start = Date()
    kill(running.process.processIdentifier, signal)
    let ended = try running.wait(seconds: 5)
    #expect(Date().timeIntervalSince(start) < 5)
    #expect(ended.status == 130 && ended.errors.contains("interrupted. Checkpoint "))
    #expect(ended.errors.contains(" is whole. Go on with: deepfm train --resume \(tool.directory)/run"))
    #expect(Running.waitForEnd(of: children, seconds: 1))
    let evaluated = try tool.run("evaluate", "--run-dir", tool.directory + "/run", "--data", Sample.smallValid)
    #expect(evaluated.status == 0, "\(evaluated.errors)")
  }

  @Test("Children end when their launcher is killed, even one that is stopped")
  func killedLauncher() throws {
    let tool = try Tool()
    let (running, children) = try Self.longRun(tool)
    kill(children.sorted()[2], SIGSTOP)
    kill(running.process.processIdentifier, SIGKILL)
    #expect(Running.waitForEnd(of: children, seconds: 5))
  }

  @Test("A coordinator that waits says for whom, and a lone worker for what")
  func waiting() throws {
    let tool = try Tool()
    let coordinator = try tool.start(
      ["coordinator", "--train", Sample.small, "--listen", "tcp://127.0.0.1:*", "--run-dir", tool.directory + "/run"])
    let worker = try tool.start(["worker", "--coordinator", "tcp://127.0.0.1:9", "--timeout", "7"])
    #expect(coordinator.waitToSay("waiting for 2 of 2 servers and 2 of 2 workers", seconds: 20))
    kill(coordinator.process.processIdentifier, SIGINT)
    #expect(try coordinator.wait(seconds: 5).status == 130)
    // It may well come: a worker that was never welcomed is patient for ten minutes.
    #expect(worker.waitToSay("waiting for the coordinator at tcp://127.0.0.1:9", seconds: 20))
    kill(worker.process.processIdentifier, SIGKILL)
    worker.process.waitUntilExit()
  }
}

/// Holds a TCP port on the loopback interface.
final class PortHolder {
  private let descriptor: Int32
  let endpoint: String

  init() throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    self.descriptor = descriptor
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(descriptor, address, length) == 0 && listen(descriptor, 1) == 0
          && getsockname(descriptor, address, &length) == 0
      }
    }
    guard bound else { throw Tool.Failure(text: "no free port") }
    endpoint = "tcp://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
  }

  deinit { close(descriptor) }
}
