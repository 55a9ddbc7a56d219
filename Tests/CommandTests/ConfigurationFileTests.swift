import Foundation
import Job
import Testing

@testable import Command

struct ConfigurationFileTests {
  private static func read(_ yaml: String) throws -> JobConfiguration {
    let path = FileManager.default.temporaryDirectory.path + "/job-\(UUID().uuidString).yaml"
    try yaml.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try ConfigurationFile.read(path)
  }

  @Test("A file's keys are named like the flags; what it leaves out has its default")
  func read() throws {
    let job = try Self.read(
      """
      train: [a.txt, b.txt]
      format: libfm
      hidden: [64, 32]
      lr: 0.01
      sync-reading: true
      run-dir: out
      """)
    #expect(job.train == ["a.txt", "b.txt"] && job.format == .libfm && job.hidden == [64, 32])
    #expect(job.learningRate == 0.01 && job.syncReading && job.runDirectory == "out" && job.batch == 4096)
    #expect(try Self.read("") == JobConfiguration())
  }

  @Test("An unknown key is named, with the nearest known one")
  func unknownKey() {
    func nearest(_ yaml: String) -> String? {
      guard
        case .unknownKey(_, _, let nearest)? = #expect(
          throws: ConfigurationError.self, performing: { try Self.read(yaml) })
      else { return nil }
      return nearest
    }
    #expect(nearest("epoch: 3") == "epochs")
    #expect(nearest("hiden: [3]") == "hidden")
    #expect(nearest("sync_reading: true") == "sync-reading")
  }

  @Test(
    "A value of the wrong kind names its key in one line",
    arguments: ["epochs: many", "hidden: 3", "format: xml", "- a", "a: [", "keep: [1"])
  func wrongValue(yaml: String) {
    let error = #expect(throws: ConfigurationError.self) { try Self.read(yaml) }
    #expect(error?.description.contains("\n") == false)
    if yaml.hasPrefix("epochs") || yaml.hasPrefix("hidden") || yaml.hasPrefix("format") {
      #expect(error?.description.contains(yaml.prefix { $0 != ":" }) == true, "\(error?.description ?? "")")
    }
  }

  @Test("A name that is not known is refused with the nearest one")
  func unknownNames() {
    for (yaml, nearest) in [("model: deepfm", "deepfm-d"), ("optimizer: adm", "adam"), ("format: crieto", "criteo")] {
      let error = #expect(throws: ConfigurationError.self) { try Self.read(yaml) }
      #expect(error?.description.contains("did you mean \"\(nearest)\"?") == true, "\(error?.description ?? "")")
    }
  }

  @Test("What is written reads back")
  func roundTrip() throws {
    var job = JobConfiguration()
    job.train = ["x"]
    job.keep = 0.8
    job.optimizer = .ftrl
    job.schedule = .cosine
    job.valid = ["y"]
    job.patience = 2
    job.runDirectory = "/tmp/run"
    let path = FileManager.default.temporaryDirectory.path + "/job-\(UUID().uuidString).yaml"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try ConfigurationFile.write(job, to: path)
    #expect(try ConfigurationFile.read(path) == job)
  }

  @Test("Flags override the file")
  func flags() throws {
    let path = FileManager.default.temporaryDirectory.path + "/job-\(UUID().uuidString).yaml"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try "train: [a]\nepochs: 7\nkeep: 0.9\n".write(toFile: path, atomically: true, encoding: .utf8)
    let options = try JobOptions.parse(["--config", path, "--epochs", "2", "--hidden", "8,4", "--valid", "v1", "v2"])
    let job = try options.configuration()
    #expect(
      job.train == ["a"] && job.epochs == 2 && job.keep == 0.9 && job.hidden == [8, 4] && job.valid == ["v1", "v2"])
    #expect(throws: ConfigurationError.self) { try JobOptions.parse([]).configuration() }
    #expect(throws: (any Error).self) { try JobOptions.parse(["--hidden", "8,x"]) }
  }

  @Test("Every key of the file is a flag, and the other way round")
  func keysAndFlags() {
    let help = JobOptions.helpMessage(columns: 200)
    let keys = Set(JobConfiguration.CodingKeys.allCases.map(\.rawValue))
    for key in keys { #expect(help.contains("--\(key) ") || help.contains("--\(key)\n"), "\(key)") }
    let flags = help.split(whereSeparator: { $0 == " " || $0 == "\n" }).filter { $0.hasPrefix("--") }.map {
      $0.dropFirst(2)
    }
    #expect(
      Set(flags.map(String.init)).subtracting(keys).isSubset(of: [
        "config", "help", "version", "decay-steps", "decay-factor.",
      ]))
  }

  @Test(
    "A study's shapes have one total, and each variation changes its own setting alone", arguments: Variation.allCases)
  func variations(variation: Variation) {
    var job = JobConfiguration()
    job.hidden = [200, 200, 200]
    let variants = variation.variants(of: job)
    #expect(Set(variants.map(\.label)).count == variants.count && variants.count >= 2)
    #expect(Set(variants.map(\.job)).count == variants.count)
    for variant in variants {
      if variation == .shape { #expect(variant.job.hidden.reduce(0, +) == 600) }
      var same = variant.job
      (same.hidden, same.keep, same.activation) = (job.hidden, job.keep, job.activation)
      #expect(same == job)
    }
    #expect(
      NetworkShape.allCases.map { $0.widths(mean: 200) }
        == [[200, 200, 200], [100, 200, 300], [300, 200, 100], [150, 300, 150]])
  }

  @Test("Numbers are written as people read them")
  func format() {
    #expect(Format.count(0) == "0" && Format.count(1234567) == "1,234,567" && Format.count(999.6) == "1,000")
    #expect(Format.duration(59.6) == "1:00" && Format.duration(3725) == "1:02:05")
  }
}
