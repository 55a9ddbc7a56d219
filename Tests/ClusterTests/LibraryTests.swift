import Checkpoint
import Foundation
import Run
import Synchronization
import Testing

/// A job as a library, with real processes.
@Suite(.serialized)
struct LibraryTests {
  private static func settings(_ tool: Tool) -> Settings {
    var settings = Settings()
    settings.data.train = [Sample.small]
    settings.data.valid = [Sample.smallValid]
    settings.model.hidden = [16, 8]
    settings.model.embedding = 4
    settings.optimization.batch = 512
    settings.optimization.epochs = 2
    settings.cluster.timeout = 60
    settings.runDirectory = tool.directory + "/\(UUID().uuidString)"
    return settings
  }

  private final class Listener: RunObserver {
    var epochs: [Int] = []
    var onSaying: (String) -> Void = { _ in }

    func show(_ epoch: EpochRecord) { epochs.append(epoch.epoch) }
    func say(_ sentence: String) { onSaying(sentence) }
  }

  @Test("A program trains and scores like the tool, hears of each epoch, and prints nothing")
  func training() throws {
    let tool = try Tool()
    let settings = Self.settings(tool)
    let listener = Listener()
    let trained = try Training(settings, caller: Caller(observer: listener)).run()
    let reference = try tool.train(["--train", Sample.small, "--valid", Sample.smallValid] + Sample.tiny)
    #expect(trained.parameterDigest == reference.parameterDigest && listener.epochs == [1, 2])
    #expect(Quality.auc(of: trained.result.evaluation).value == reference.auc)
    let scored = try Scoring(runDirectory: trained.directory.path, data: [Sample.smallValid]).run()
    #expect(scored.result.evaluation == trained.result.evaluation && scored.checkpoint == 2)
    #expect(scored.result.logits.count == 1234)
  }

  @Test("A caller that is interrupted gets its thread back, and no process stays")
  func interruption() throws {
    let tool = try Tool()
    var settings = Self.settings(tool)
    settings.optimization.epochs = 1000
    let cluster = LocalCluster()
    let listener = Listener()
    let worker = Mutex<Int32?>(nil)
    let caller = Caller(observer: listener) {
      worker.withLock { $0 = $0 ?? cluster.processIdentifier(of: "worker-1") }
      return listener.epochs.count >= 2
    }
    let failure = #expect(throws: RunFailure.self) {
      try Training(settings, members: .launched(cluster), caller: caller).run()
    }
    guard case .interrupted = failure else { throw Tool.Failure(text: "\(String(describing: failure))") }
    #expect(try !Running.isAlive(#require(worker.withLock { $0 })))
    #expect(cluster.processIdentifier(of: "worker-1") == nil && cluster.processIdentifier(of: "worker-2") == nil)
  }

  @Test(
    "A process that is killed is started again, and the run comes to the same bits",
    arguments: ["worker-0", "server-1"])
  func killedProcess(name: String) throws {
    let tool = try Tool()
    var settings = Self.settings(tool)
    settings.optimization.epochs = 20
    let undisturbed = try Training(settings).run()
    settings.runDirectory = tool.directory + "/disturbed"
    let cluster = LocalCluster()
    let listener = Listener()
    let killed = Mutex<Int32?>(nil)
    let caller = Caller(observer: listener) {
      killed.withLock {
        if $0 == nil, listener.epochs.count >= 2, let process = cluster.processIdentifier(of: name) {
          $0 = kill(process, SIGKILL) == 0 ? process : nil
        }
      }
      return false
    }
    var said: [String] = []
    listener.onSaying = { said.append($0) }
    let disturbed = try Training(settings, members: .launched(cluster), caller: caller).run()
    let process = try #require(killed.withLock { $0 })
    #expect(disturbed.parameterDigest == undisturbed.parameterDigest)
    #expect(disturbed.result.evaluation == undisturbed.result.evaluation && disturbed.result.epochs.count == 20)
    #expect(said.contains { $0.hasPrefix("\(name) (process \(process)) was killed by signal 9") }, "\(said)")
  }

  @Test("A process that dies again and again ends the run, with its last words")
  func crashLoop() throws {
    let tool = try Tool()
    let script = tool.directory + "/deepfm.sh"
    try "#!/bin/sh\nif [ $1 = worker ]; then echo cannot work >&2; exit 3; fi\nexec \(Tool.binary) \"$@\"\n"
      .write(toFile: script, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
    let failure = #expect(throws: RunFailure.self) {
      try Training(Self.settings(tool), members: .launched(LocalCluster(tool: script, mostRestarts: 2))).run()
    }
    let text = failure?.description ?? ""
    #expect(text.contains("has died 3 times in a row") && text.contains("ended with status 3"), "\(text)")
    #expect(text.contains("cannot work"), "\(text)")
  }

  @Test("A tool that is not there is named, and the run's name is free again")
  func missingTool() throws {
    let tool = try Tool()
    let settings = Self.settings(tool)
    let error = #expect(throws: ToolError.self) {
      try Training(settings, members: .launched(LocalCluster(tool: "/nonexistent/deepfm"))).run()
    }
    #expect(error?.description.contains("/nonexistent/deepfm") == true)
    #expect(!FileManager.default.fileExists(atPath: settings.runDirectory ?? ""))
  }
}
