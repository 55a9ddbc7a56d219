import Foundation
import Testing

@testable import Job

struct ConfigurationFileTests {
  private static func parse(_ yaml: String) throws -> Settings { try ConfigurationFile.parse(yaml, file: "job.yaml") }

  @Test("A file's keys are named like the flags; what it leaves out has its default")
  func read() throws {
    let settings = try Self.parse(
      """
      train: [a.txt, b.txt]
      format: libfm
      hidden: [64, 32]
      lr: 0.01
      l2: 1
      sync-reading: true
      data: local
      epochs:
      seed: 18446744073709551615
      run-dir: out
      """)
    #expect(settings.data.train == ["a.txt", "b.txt"] && settings.data.format == .libfm && settings.data.syncReading)
    #expect(settings.data.placement == .local && settings.runDirectory == "out")
    #expect(settings.model.hidden == [64, 32] && settings.model.l2 == 1)
    #expect(settings.optimization.learningRate == 0.01 && settings.optimization.batch == 4096)
    #expect(settings.optimization.epochs == 3 && settings.optimization.seed == .max)
    #expect(try Self.parse("") == Settings())
  }

  @Test("An unknown key is named, with the nearest known one")
  func unknownKey() {
    func nearest(_ yaml: String) -> String? {
      guard
        case .unknownKey(_, _, let nearest)? = #expect(
          throws: ConfigurationError.self, performing: { try Self.parse(yaml) })
      else { return nil }
      return nearest
    }
    #expect(nearest("epoch: 3") == "epochs")
    #expect(nearest("hiden: [3]") == "hidden")
    #expect(nearest("sync_reading: true") == "sync-reading")
    #expect(nearest("run_dir: x") == "run-dir")
  }

  @Test(
    "A value of the wrong kind names its key in one line",
    arguments: ["epochs: many", "hidden: 3", "format: xml", "- a", "a: [", "keep: [1", "epochs: 1e30", "seed: -1"])
  func wrongValue(yaml: String) {
    let error = #expect(throws: ConfigurationError.self) { try Self.parse(yaml) }
    #expect(error?.description.contains("\n") == false)
    if yaml.contains(": "), !yaml.hasSuffix("[1"), !yaml.hasSuffix("[") {
      #expect(error?.description.contains(yaml.prefix { $0 != ":" }) == true, "\(error?.description ?? "")")
    }
  }

  @Test(
    "A name that is not known is refused with the nearest one, whichever setting it is of",
    arguments: [
      ("model: deepfm", "deepfm-d"), ("optimizer: adm", "adam"), ("dense-optimizer: sdg", "sgd"),
      ("format: crieto", "criteo"), ("bad-rows: skp", "skip"), ("data: locl", "local"), ("activation: rel", "relu"),
      ("schedule: cosin", "cosine"), ("lr-scaling: sqr", "sqrt"), ("initialization: xavir", "xavier"),
      ("consistency: sink", "sync"), ("arithmetic: fp31", "fp32"), ("wire: fp31", "fp32"),
    ])
  func unknownNames(yaml: String, nearest: String) {
    let error = #expect(throws: ConfigurationError.self) { try Self.parse(yaml) }
    let text = error?.description ?? ""
    #expect(text.contains("did you mean \"\(nearest)\"?") && text.contains("There are: "), "\(text)")
    #expect(text.hasPrefix("job.yaml: \(yaml.prefix { $0 != ":" }): ") && !text.hasSuffix(".."), "\(text)")
  }

  @Test("What is written reads back, and has every key that has a default")
  func roundTrip() throws {
    var settings = Settings()
    settings.data.train = ["x"]
    settings.data.valid = ["y"]
    settings.model.keep = 0.8
    settings.optimization.optimizer = .ftrl
    settings.optimization.schedule = .cosine
    settings.optimization.patience = 2
    settings.runDirectory = "/tmp/run"
    let path = FileManager.default.temporaryDirectory.path + "/job-\(UUID().uuidString).yaml"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try ConfigurationFile.write(settings, to: path)
    #expect(try ConfigurationFile.read(path) == settings)
    let keys = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").compactMap {
      $0.split(separator: ":").first.map(String.init)
    }
    let optional = [
      "schema", "format", "separator", "vocab", "dense-optimizer", "max-workers", "shard-dir", "server-memory",
      "dense-consistency", "evict", "evict-every", "start-from",
    ]
    #expect(Set(Settings.keys).subtracting(keys) == Set(optional))
    let json = try JSONEncoder().encode(settings)
    #expect(try JSONDecoder().decode(Settings.self, from: json) == settings)
  }
}
