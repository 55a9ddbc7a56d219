import Foundation
import Testing

/// Models that leave.
@Suite(.serialized)
struct ExportTests {
  /// Rows of three fields, as libfm has them.
  private static func write(_ rows: Int, seed: UInt64, to path: String) throws {
    var state = seed
    func below(_ bound: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % bound
    }
    var text = ""
    for _ in 0..<rows {
      let keys = [below(9), 10 + below(30), 50 + below(200)]
      text += "\(keys[0] % 3 == keys[1] % 2 ? 1 : 0) " + keys.map { "\($0):1" }.joined(separator: " ") + "\n"
    }
    try text.write(toFile: path, atomically: true, encoding: .utf8)
  }

  private static func python(_ arguments: [String], into output: String) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3"] + arguments
    _ = FileManager.default.createFile(atPath: output, contents: nil)
    process.standardOutput = FileHandle(forWritingAtPath: output)
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }

  @Test(
    "The exported file gives predict's numbers in twenty lines of numpy", arguments: ["lr", "fm", "dnn", "deepfm-d"])
  func python(model: String) throws {
    let tool = try Tool()
    guard try Self.python(["-c", "import numpy"], into: tool.directory + "/numpy") == 0 else {
      print("skipped: there is no numpy")
      return
    }
    let (train, new) = (tool.directory + "/train.libfm", tool.directory + "/new.libfm")
    try Self.write(3000, seed: 1, to: train)
    try Self.write(300, seed: 2, to: new)
    _ = try tool.train(
      ["--train", train, "--format", "libfm", "--model", model, "--lr", "0.01"] + Sample.tiny, into: "run")
    let run = tool.directory + "/run"
    let file = tool.directory + "/model.safetensors"
    let exported = try tool.run("export", run, "--to", file)
    #expect(exported.status == 0 && exported.errors.contains("features of checkpoint 2"), "\(exported.errors)")
    #expect(try tool.run("predict", "--run-dir", run, "--data", new, "--out", tool.directory + "/ours").status == 0)
    let script = Repository.path + "/Examples/predict.py"
    #expect(try Self.python([script, file, new], into: tool.directory + "/theirs") == 0)
    func numbers(_ name: String) throws -> [Double] {
      try String(contentsOfFile: "\(tool.directory)/\(name)", encoding: .utf8).split(separator: "\n").map {
        Double($0)!
      }
    }
    let (ours, theirs) = (try numbers("ours"), try numbers("theirs"))
    #expect(ours.count == 300 && theirs.count == 300 && Set(ours).count > 100)
    #expect(zip(ours, theirs).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  @Test("The reference package of safetensors reads the file, and the model's shapes in it")
  func reference() throws {
    let tool = try Tool()
    guard try Self.python(["-c", "import safetensors.numpy"], into: tool.directory + "/package") == 0 else {
      print("skipped: there is no safetensors package")
      return
    }
    _ = try tool.train(["--train", Sample.small] + Sample.tiny, into: "run")
    let file = tool.directory + "/model.safetensors"
    #expect(try tool.run("export", tool.directory + "/run", "--to", file).status == 0)
    let script = """
      import safetensors.numpy, safetensors, sys
      tensors = safetensors.numpy.load_file(sys.argv[1])
      rows = len(tensors["sparse.keys"])
      assert tensors["sparse.keys"].dtype == "uint64" and rows > 1000 and len(set(tensors["sparse.keys"])) == rows
      assert tensors["sparse.weight"].shape == (rows,) and tensors["sparse.vector"].shape == (rows, 4)
      assert tensors["hidden0.weights"].shape == (39 * 4, 16) and tensors["output.weights"].size == 8
      print(safetensors.safe_open(sys.argv[1], "numpy").metadata()["checkpoint"])
      """
    #expect(try Self.python(["-c", script, file], into: tool.directory + "/said") == 0)
    #expect(try String(contentsOfFile: tool.directory + "/said", encoding: .utf8) == "2\n")
  }

  @Test("numpy's load reads an .npz with the arrays of the safetensors file")
  func numpy() throws {
    let tool = try Tool()
    guard try Self.python(["-c", "import numpy"], into: tool.directory + "/numpy") == 0 else {
      print("skipped: there is no numpy")
      return
    }
    _ = try tool.train(["--train", Sample.small] + Sample.tiny, into: "run")
    let (run, arrays, file) = (
      tool.directory + "/run", tool.directory + "/model.npz", tool.directory + "/m.safetensors"
    )
    for path in [arrays, file] { #expect(try tool.run("export", run, "--to", path).status == 0) }
    let script = """
      import json, numpy, sys
      arrays = numpy.load(sys.argv[1])
      data = open(sys.argv[2], "rb").read()
      size = int.from_bytes(data[:8], "little")
      header = json.loads(data[8:8 + size])
      assert json.loads(bytes(arrays["metadata"])) == header.pop("__metadata__")
      assert set(header) == set(arrays.files) - {"metadata"} and len(header) > 6
      for name, entry in header.items():
          start, end = entry["data_offsets"]
          assert arrays[name].tobytes() == data[8 + size + start:8 + size + end], name
          assert list(arrays[name].shape) == entry["shape"]
      import zipfile
      assert zipfile.ZipFile(sys.argv[1]).testzip() is None
      """
    #expect(try Self.python(["-c", script, arrays, file], into: tool.directory + "/said") == 0)
  }

  @Test("What the optimizers keep is in the file, and left out of a slim one", arguments: ["adam", "ftrl", "sgd"])
  func optimizers(rule: String) throws {
    let tool = try Tool()
    guard try Self.python(["-c", "import numpy"], into: tool.directory + "/numpy") == 0 else {
      print("skipped: there is no numpy")
      return
    }
    _ = try tool.train(["--train", Sample.small, "--optimizer", rule] + Sample.tiny + ["--epochs", "1"], into: "run")
    let (run, full, slim) = (
      tool.directory + "/run", tool.directory + "/model.npz", tool.directory + "/slim.safetensors"
    )
    #expect(try tool.run("export", run, "--to", full).status == 0)
    #expect(try tool.run("export", run, "--slim", "--to", slim).status == 0)
    let script = """
      import json, numpy, sys
      full, rule = numpy.load(sys.argv[1]), sys.argv[3]
      data = open(sys.argv[2], "rb").read()
      size = int.from_bytes(data[:8], "little")
      header = json.loads(data[8:8 + size])
      assert "optimizer" not in header.pop("__metadata__")
      for name, entry in header.items():
          start, end = entry["data_offsets"]
          assert full[name].tobytes() == data[8 + size + start:8 + size + end], name
      kept = {name for name in full.files if name.startswith("optimizer.")}
      assert kept == set(full.files) - set(header) - {"metadata"}
      rules = json.loads(json.loads(bytes(full["metadata"]))["optimizer"])
      assert list(rules["sparse"]) == [rule], rules
      rows, columns = len(full["sparse.keys"]), 1 + full["sparse.vector"].shape[1]
      states = {"adam": ["m", "v"], "ftrl": ["z", "n"], "sgd": []}[rule]
      for state in states:
          assert full["optimizer.sparse." + state].shape == (rows, columns)
      if rule != "sgd":
          assert full["optimizer.hidden0.weights.m"].shape == full["hidden0.weights"].shape
          assert (full["optimizer.hidden0.weights.v"] > 0).mean() > 0.5
      if rule == "adam":
          updates = full["optimizer.sparse.updates"]
          assert updates.dtype == "uint32" and updates.min() >= 1 and 10 < updates.max() < 1000, updates
          assert (full["optimizer.sparse.v"][:, 0] > 0).mean() > 0.9
          assert (full["optimizer.sparse.v"] >= 0).all()
      if rule == "ftrl":
          z, n, w = full["optimizer.sparse.z"][:, 0], full["optimizer.sparse.n"][:, 0], full["sparse.weight"]
          options = rules["sparse"]["ftrl"]
          alpha = float(sys.argv[4])
          ours = -numpy.sign(z) * numpy.maximum(abs(z) - options["l1"], 0)
          ours /= (options["beta"] + numpy.sqrt(n)) / alpha + options["l2"]
          assert abs(ours - w).max() < 1e-6, abs(ours - w).max()
      """
    let said = tool.directory + "/said"
    #expect(try Self.python(["-c", script, full, slim, rule, "0.1"], into: said) == 0)
  }

  @Test("A base and the deltas after it are the full file, byte for byte; a delta is put on nothing else")
  func deltas() throws {
    let tool = try Tool()
    _ = try tool.train(
      ["--train", Sample.small] + Sample.tiny + [
        "--epochs", "3", "--evict", "unseen:0.5", "--checkpoint-every", "10steps",
      ],
      into: "run")
    let run = tool.directory + "/run"
    let verified = try tool.run("verify", run, "--json")
    struct Report: Decodable {
      struct Line: Decodable { let checkpoint: Int }
      let checkpoints: [Line]
    }
    let kept = try JSONDecoder().decode(Report.self, from: Data(verified.output.utf8)).checkpoints.map(\.checkpoint)
    #expect(kept.count >= 3)
    func file(_ name: String) -> String { "\(tool.directory)/\(name).safetensors" }
    func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: file(name))) }
    for number in kept {
      #expect(try tool.run("export", run, "--slim", "--checkpoint", "\(number)", "--to", file("\(number)")).status == 0)
    }
    for (before, number) in zip(kept, kept.dropFirst()) {
      let ended = try tool.run(
        "export", run, "--checkpoint", "\(number)", "--since", "\(before)", "--to", file("\(number)-delta"))
      #expect(
        ended.status == 0 && ended.errors.contains("rows of checkpoint \(number) differ from \(before)'s"),
        "\(ended.errors)")
      #expect(try bytes("\(number)-delta").count < bytes("\(number)").count + 2000)
    }
    let applied = try tool.run(
      ["apply", file("\(kept[0])")] + kept.dropFirst().map { file("\($0)-delta") } + ["--to", file("all")])
    #expect(applied.status == 0, "\(applied.errors)")
    #expect(try bytes("all") == bytes("\(kept.last!)"))
    for (arguments, says) in [
      (
        ["apply", file("\(kept[0])"), file("\(kept[2])-delta")],
        "it stands on checkpoint \(kept[1]), not on this model, of checkpoint \(kept[0])"
      ),
      (["apply", file("\(kept[0])"), file("\(kept[1])")], "it is no delta"),
      (["apply", file("\(kept[1])-delta"), file("\(kept[2])-delta")], "put it on its base"),
      (["export", run, "--since", "999"], "has no checkpoint 999"),
    ] {
      let ended = try tool.run(arguments + ["--to", file("none")])
      #expect(ended.status == 1 && ended.errors.contains(says), "\(ended.errors)")
    }
  }

  @Test("Rows in half precision or 8 bits take less room, and cost what is printed", arguments: ["fp16", "int8"])
  func precisions(rows: String) throws {
    let tool = try Tool()
    _ = try tool.train(["--train", Sample.train] + Sample.tiny, into: "run")
    let run = tool.directory + "/run"
    func file(_ name: String) -> String { "\(tool.directory)/\(name).safetensors" }
    #expect(try tool.run("export", run, "--to", file("whole")).status == 0)
    let ended = try tool.run("export", run, "--to", file(rows), "--rows", rows, "--data", Sample.valid)
    #expect(ended.status == 0, "\(ended.errors)")
    let numbers = ended.output.split { " ,\n".contains($0) }.compactMap { Double($0) }
    #expect(numbers.count == 4 && numbers[0] > 0.6, "\(ended.output)")
    #expect(abs(numbers[0] - numbers[1]) < 0.002 && abs(numbers[2] - numbers[3]) < 0.002)
    func size(_ name: String) throws -> Int { try Data(contentsOf: URL(fileURLWithPath: file(name))).count }
    #expect(try size(rows) < size("whole"))
    let again = try tool.run("export", file(rows), "--to", file("again"), "--rows", rows)
    #expect(again.status == 0, "\(again.errors)")
    let mixed = try tool.run("export", run, "--to", file("none"), "--rows", rows, "--since", "1")
    #expect(mixed.status == 2 && mixed.errors.contains("leave --rows and --data out"))
  }

  @Test("A file that cannot be written, a run that is none, a checkpoint that is not there, are named")
  func errors() throws {
    let tool = try Tool()
    _ = try tool.train(["--train", Sample.small] + Sample.tiny, into: "run")
    let run = tool.directory + "/run"
    for (arguments, status, says) in [
      ([run, "--to", "/none/model.safetensors"], 1, "/none/model.safetensors"),
      ([run, "--to", "model.bin"], 2, "ends in .safetensors"),
      (["/none", "--to", "a.safetensors"], 1, "/none"),
      ([run, "--to", "a.safetensors", "--checkpoint", "77"], 1, "has no checkpoint 77"),
    ] {
      let ended = try tool.run(["export"] + arguments)
      #expect(ended.status == Int32(status) && ended.errors.contains(says), "\(ended.errors)")
    }
  }
}
