import Features
import Foundation
import Synchronization
import Testing

/// Models that are asked: over HTTP, and from C.
@Suite(.serialized)
struct ServeTests {
  /// Has a small model trained, and exported.
  private static func trained(_ tool: Tool, _ flags: [String] = []) throws -> (run: String, file: String) {
    _ = try tool.train(["--train", Sample.small, "--valid", Sample.smallValid] + Sample.tiny + flags, into: "run")
    let (run, file) = (tool.directory + "/run", tool.directory + "/model.safetensors")
    #expect(try tool.run("export", run, "--to", file).status == 0)
    return (run, file)
  }

  private static func predicted(_ tool: Tool, by model: String) throws -> [Float] {
    let out = tool.directory + "/\(UUID().uuidString)"
    let ended = try tool.run("predict", "--run-dir", model, "--data", Sample.smallValid, "--out", out)
    guard ended.status == 0 else { throw Tool.Failure(text: ended.errors) }
    return try String(contentsOfFile: out, encoding: .utf8).split(separator: "\n").map { Float($0)! }
  }

  private static func serve(_ tool: Tool, _ model: String, _ flags: [String] = []) throws -> (Running, port: Int) {
    let running = try tool.start(["serve", model, "--listen", "127.0.0.1:0"] + flags)
    #expect(running.waitToSay("/predict"), "\(running.said)")
    let said = running.said
    guard let start = said.range(of: "127.0.0.1:"), let port = Int(said[start.upperBound...].prefix { $0 != "/" })
    else { throw Tool.Failure(text: said) }
    return (running, port)
  }

  @Test(
    "A file that was exported gives the run's predictions to the bit, with admission and a vocabulary too",
    arguments: [[], ["--admit-after", "3"], ["--vocab"], ["--model", "fnn"], ["--evict", "unseen:0.5"]])
  func files(flags: [String]) throws {
    let tool = try Tool()
    var flags = flags
    if flags == ["--vocab"] {
      flags.append(tool.directory + "/vocabulary.sqlite")
      #expect(try tool.run("vocab", "build", Sample.small, "--min-count", "3", "--out", flags[1]).status == 0)
    }
    let (run, file) = try Self.trained(tool, flags)
    let wanted = try Self.predicted(tool, by: run)
    #expect(Set(wanted).count > 500 && wanted.count == 1234)
    #expect(try Self.predicted(tool, by: file) == wanted)
  }

  /// Where a tensor of a safetensors file begins.
  private static func start(of tensor: String, in bytes: Data) throws -> Int {
    struct Entry: Decodable { var dataOffsets: [Int]? }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let size = bytes.withUnsafeBytes { Int($0.loadUnaligned(as: UInt64.self)) }
    let header = try decoder.decode([String: Entry].self, from: bytes[8..<8 + size])
    return 8 + size + (try #require(header[tensor]?.dataOffsets?[0]))
  }

  @Test("A file that is damaged, shortened, another program's or gone is named")
  func damaged() throws {
    let tool = try Tool()
    let (_, file) = try Self.trained(tool)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    var longer = bytes
    longer[3] = 1
    let place = try #require(bytes.range(of: Data("deepfm 2".utf8)))
    var other = bytes
    other[place.upperBound - 1] = UInt8(ascii: "9")
    var flipped = bytes
    // The sign of the layer's first weight.
    flipped[try Self.start(of: "hidden0.weights", in: bytes) + 3] ^= 0x80
    for (number, (content, reason)) in [
      (flipped, "its parameters are not those that were written"),
      (bytes.prefix(bytes.count - 1), "shortened"), (bytes.prefix(100), "header is damaged"),
      (bytes.prefix(3), "too short"),
      (longer, "header is damaged"), (other, "Export it anew"),
      (Data("\u{10}\0\0\0\0\0\0\0{\"a\":{\"b\":\"c\"}} ".utf8), "`deepfm export` did not write it"),
    ].enumerated() {
      let path = tool.directory + "/\(number).safetensors"
      try content.write(to: URL(fileURLWithPath: path))
      let ended = try tool.run("evaluate", "--run-dir", path, "--data", Sample.smallValid)
      #expect(ended.status == 1 && ended.errors.contains(path) && ended.errors.contains(reason), "\(ended.errors)")
    }
    #expect(try tool.run("serve", tool.directory + "/none.safetensors").status == 1)
  }

  @Test("A C program's numbers are predict's")
  func library() throws {
    let tool = try Tool()
    let (run, file) = try Self.trained(tool)
    let built = URL(fileURLWithPath: Tool.binary).deletingLastPathComponent().path
    let program = tool.directory + "/predict"
    let clang = try Repository.run([
      "clang", "-Wall", "-Wextra", "-Werror", "\(Repository.path)/Examples/predict.c",
      "-I\(Repository.path)/Sources/Predictor", "-L\(built)", "-ldeepfm-predict", "-Wl,-rpath,\(built)", "-o", program,
    ])
    #expect(clang == 0)
    func ask(_ model: String, _ rows: String) throws -> (status: Int32, output: String) {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: program)
      process.arguments = [model]
      let output = tool.directory + "/\(UUID().uuidString)"
      _ = FileManager.default.createFile(atPath: output, contents: nil)
      process.standardInput = FileHandle(forReadingAtPath: rows)
      process.standardOutput = FileHandle(forWritingAtPath: output)
      process.standardError = FileHandle(forWritingAtPath: output)
      try process.run()
      process.waitUntilExit()
      return (process.terminationStatus, try String(contentsOfFile: output, encoding: .utf8))
    }
    let wanted = try Self.predicted(tool, by: run)
    for model in [run, file] {
      let (status, output) = try ask(model, Sample.smallValid)
      let found = output.split(separator: "\n").compactMap { Float($0) }
      #expect(status == 0 && found.count == wanted.count)
      #expect(zip(found, wanted).allSatisfy { abs($0 - $1) < 1e-6 }, "a row alone is summed up in another order")
    }
    let (none, reason) = try ask(tool.directory + "/none", Sample.smallValid)
    #expect(none == 1 && reason.contains("does not exist"))
    let (bad, row) = try ask(file, "/etc/passwd")
    #expect(bad == 1 && row.contains("row 0: expected 40"), "\(row)")
  }

  @Test("HTTP answers are predict's numbers, in both formats, and what cannot be answered is told why")
  func http() throws {
    let tool = try Tool()
    let (run, file) = try Self.trained(tool)
    let wanted = try Self.predicted(tool, by: run)
    let (running, port) = try Self.serve(
      tool, file, ["--max-bytes", "1000000", "--max-rows", "1234", "--request-timeout", "2"])
    defer { running.killAll() }
    let client = try HTTPClient(port: port)
    let rows = try String(contentsOfFile: Sample.smallValid, encoding: .utf8)
    let text = try client.post("/predict", "text/csv", rows)
    #expect(text.status == 200)
    #expect(zip(text.body.split(separator: "\n").map { Float($0)! }, wanted).allSatisfy { abs($0 - $1) < 1e-6 })
    let objects = rows.split(separator: "\n").prefix(50).map { line in
      let cells = line.split(separator: "\t", omittingEmptySubsequences: false).dropFirst()
      let names = (1...13).map { "I\($0)" } + (1...26).map { "C\($0)" }
      return Dictionary(uniqueKeysWithValues: zip(names, cells.map(String.init)).filter { !$1.isEmpty })
    }
    let json = try client.post(
      "/predict", "application/json", String(decoding: JSONEncoder().encode(objects), as: UTF8.self))
    struct Answer: Decodable {
      let probabilities: [Float]
      let model: String
    }
    let answer = try JSONDecoder().decode(Answer.self, from: Data(json.body.utf8))
    #expect(answer.model == "checkpoint 2" && answer.probabilities.count == 50)
    #expect(zip(answer.probabilities, wanted).allSatisfy { abs($0 - $1) < 1e-6 })

    for (path, type, body, status, reason) in [
      ("/predict", "application/json", "[{\"I1\": \"x\"}]", 400, "row 0: I1"),
      ("/predict", "text/csv", "a\n", 400, "row 0"),
      ("/predict", "image/png", "a", 415, "image/png"), ("/none", "text/csv", "", 404, "POST /predict"),
      ("/health", "text/csv", "", 405, "takes GET"), ("/predict", "text/csv", rows + rows, 400, "send at most 1234"),
      ("/predict", "text/csv", String(repeating: "a", count: 1_000_001), 413, "at most 1000000 bytes"),
    ] {
      let answer = try client.post(path, type, body)
      #expect(answer.status == status && answer.body.contains(reason), "\(path): \(answer)")
    }
    #expect(try client.get("/health").body == "ok\n")
    #expect(try client.get("/model").body.contains("\"model\":\"deepfm-d\""))
    let metrics = try client.get("/metrics").body
    #expect(
      metrics.contains("deepfm_rows_total 1284") && metrics.contains("requests_total{status=\"400\"} 3"), "\(metrics)")
    // What is none at all costs the connection alone.
    let stranger = try HTTPClient(port: port)
    #expect((try? stranger.send("\u{1}\u{2} nonsense\r\n\r\n").status) ?? 400 == 400)
    #expect(try client.get("/health").status == 200)
    // Who sends a request byte by byte has as long as anybody.
    let slow = try HTTPClient(port: port)
    let start = Date()
    #expect(throws: Tool.Failure.self) {
      for byte in "POST /predict HTTP/1.1\r\nhost: somewhere-that-takes-long" {
        try slow.write("\(byte)")
        Thread.sleep(forTimeInterval: 0.1)
      }
      _ = try slow.read()
    }
    #expect(Date().timeIntervalSince(start) < 5)
    #expect(try HTTPClient(port: port).get("/health").status == 200)
    running.process.terminate()
    let ended = try running.wait(seconds: 30)
    #expect(ended.status == 0 && ended.errors.contains("every request that had come was answered"))
  }

  @Test("A newer checkpoint takes the place of the one that is served, and no request is lost")
  func swap() throws {
    let tool = try Tool()
    let (run, _) = try Self.trained(tool)
    let (running, port) = try Self.serve(tool, run, ["--refresh", "0.2"])
    defer { running.killAll() }
    let rows = try String(contentsOfFile: Sample.smallValid, encoding: .utf8).split(separator: "\n").prefix(3)
    let body = String(decoding: try JSONEncoder().encode(rows.map(String.init)), as: UTF8.self)
    let isEnding = Atomic(false)
    let failures = Mutex<[String]>([])
    let versions = Mutex<Set<String>>([])
    let clients = try (0..<4).map { _ in
      let client = try HTTPClient(port: port)
      return NamedThread("client") {
        while !isEnding.load(ordering: .relaxed) {
          do {
            let answer = try client.post("/predict", "application/json", body)
            guard answer.status == 200, let start = answer.body.range(of: "checkpoint ") else {
              throw Tool.Failure(text: "\(answer)")
            }
            let version = String(answer.body[start.lowerBound...].prefix { $0 != "\"" })
            versions.withLock { _ = $0.insert(version) }
          } catch { failures.withLock { $0.append("\(error)") } }
        }
      }
    }
    let resumed = try tool.run("train", "--resume", run, "--epochs", "4")
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(running.waitToSay("serves checkpoint 4 from now on"), "\(running.said)")
    Thread.sleep(forTimeInterval: 0.3)
    isEnding.store(true, ordering: .relaxed)
    for client in clients { client.join() }
    #expect(failures.withLock { $0 }.isEmpty, "\(failures.withLock { $0.prefix(3) })")
    #expect(versions.withLock { $0 }.isSuperset(of: ["checkpoint 2", "checkpoint 4"]))
  }
}
