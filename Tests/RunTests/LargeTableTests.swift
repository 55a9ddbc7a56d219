import Checkpoint
import DeepFM
import Features
import Foundation
import Job
import ParamServer
import Serving
import Sharding
import Testing

/// `GIGABYTES=5` in the environment, as `make soak` has it.
private let gigabytes = ProcessInfo.processInfo.environment["GIGABYTES"].flatMap { Int($0) } ?? 0

/// A table whose bytes 32 bits cannot count, on one server.
struct LargeTableTests {
  /// FM's: a weight and a vector.
  private static let width = 16
  private static let rowBytes = 8 + (width + 1) * 4

  /// Gigabytes that the process has held at most.
  private static var peak: String {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") } ?? ""
    let kilobytes = line.split { !$0.isNumber }.first.flatMap { Double($0) } ?? 0
    return String(format: "%.1f GB at most", kilobytes * 1024 / 1e9)
  }

  private static func describe(_ model: any Model<Float>) -> TableDescription {
    var settings = Settings()
    settings.optimization.optimizer = .sgd
    return ParameterTables.describe(model, settings, totalSteps: 1)[ParameterTables.sparse]
  }

  @Test(
    "It is written, restored and exported to the same bits",
    .enabled(if: gigabytes > 0, "takes gigabytes of memory: part of make soak"))
  func large() throws {
    let directory = FileManager.default.temporaryDirectory.path + "/deepfm-large-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let model = try makeModel(ModelConfiguration(model: .fm, fields: 2, embedding: Self.width - 1, hidden: []))
    let (part, digests) = try Self.write(Self.describe(model), to: directory)
    print("written: \(part.bytes) bytes, \(part.rows) rows, \(Self.peak)")
    #expect(part.bytes > gigabytes << 30)
    let chain = [CheckpointFiles(number: 1, clock: 1, base: nil, parts: [part])]

    var table = try Table(Self.describe(model), number: 0, seed: 1, clock: 1)
    try CheckpointReading.read(run: 7, chain) { _, snapshot in
      try table.restore(snapshot.bytes, slot: snapshot.slot)
    }
    for slot in 0..<Rank.slots {
      if table.digest(slot: slot) != digests[slot] { Issue.record("slot \(slot) is another") }
    }
    table = try Table(Self.describe(model), number: 0, seed: 1)
    print("restored: \(Self.peak)")

    let file = directory + "/model.safetensors"
    try export(model, chain, to: file, directory)
    print("exported: \(Self.peak)")
    let size = try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0
    #expect(size > part.rows * (8 + Self.width * 4))
    // Reading it looks at the digest.
    let read = try SafetensorsFile.read(file)
    #expect(read.features == part.rows)
    print("read: \(Self.peak)")
  }

  private static func write(
    _ description: TableDescription, to directory: String
  ) throws -> (part: CheckpointPart, digests: [Digest]) {
    var table = try Table(description, number: 0, seed: 1)
    let rows = (gigabytes << 30) / rowBytes + 1_000_000
    let ranks = (0..<UInt64(rows)).map { Rank.of($0) }.sorted()
    let step = 1_000_000
    let gradients = [Float](repeating: 0.25, count: step * width)
    for first in stride(from: 0, to: rows, by: step) {
      let some = Array(ranks[first..<min(rows, first + step)])
      table.apply(
        step: table.clock,
        gradients: SortedRows(copying: some, values: Array(gradients.prefix(some.count * width)), width: width),
        samples: 1)
    }
    let digests = (0..<Rank.slots).map { table.digest(slot: $0) }
    let writer = try PartWriter(
      in: directory, PartHeader(run: 7, checkpoint: 1, clock: 1, base: nil, server: 0))
    table.hold(since: nil, lag: 0)
    for slot in table.heldSlots { if let snapshot = table.takeHeld(slot: slot) { try writer.write([snapshot]) } }
    return (try writer.finish(), digests)
  }

  private func export(_ model: any Model<Float>, _ chain: [CheckpointFiles], to file: String, _ directory: String)
    throws
  {
    let data = directory + "/data.libfm"
    try "1 3:1 7:1\n".write(toFile: data, atomically: true, encoding: .utf8)
    let index = try DatasetIndex.build([data], schema: Schema(format: .libfm), ReadingOptions(spool: directory))
    let state = try ModelState(run: 7, chain, of: model)
    let scoring = ScoringModel(
      model, state, encoding: index.encoding, vocabulary: nil, usesAdmission: false, origin: [:])
    try ModelExport(scoring).write(to: file)
  }
}
