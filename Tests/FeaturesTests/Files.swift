import CZstd
import Foundation
import Randomness

@testable import Features

/// Files for a test, gone with it.
final class Scratch {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/deepfm-features-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String, _ text: String) throws -> String { try file(name, Data(text.utf8)) }

  func file(_ name: String, _ data: Data) throws -> String {
    try data.write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    return "\(path)/\(name)"
  }

  func index(
    _ files: [String], _ format: DataFormat, chunkBytes: Int? = nil, badRows: BadRowPolicy = .fail
  ) throws -> DatasetIndex {
    try index(files, Schema(format: format), chunkBytes: chunkBytes, badRows: badRows)
  }

  func index(
    _ files: [String], _ schema: Schema, chunkBytes: Int? = nil, badRows: BadRowPolicy = .fail
  ) throws -> DatasetIndex {
    try DatasetIndex.build(
      files, schema: schema, ReadingOptions(spool: path + "/spool", badRows: badRows, chunkBytes: chunkBytes))
  }

  /// All rows of a data set, in the order of its files.
  func rows(_ index: DatasetIndex) throws -> Batch {
    let reader = ChunkReader(index)
    var batch = Batch(fields: index.fields)
    for chunk in index.chunks { try reader.read(chunk, into: &batch) }
    return batch
  }

  /// With a checksum, as the program `zstd` writes it.
  func zstd(_ text: String) throws -> Data {
    let bytes = Array(text.utf8)
    var compressed = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
    let context = ZSTD_createCCtx()
    defer { ZSTD_freeCCtx(context) }
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    let count = ZSTD_compress2(context, &compressed, compressed.count, bytes, bytes.count)
    guard ZSTD_isError(count) == 0 else { throw CocoaError(.fileWriteUnknown) }
    return Data(compressed[..<count])
  }

  func gzip(_ text: String) throws -> Data {
    let plain = try file("plain-\(UUID().uuidString)", text)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/gzip")
    process.arguments = ["-c", plain]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return data
  }
}

/// `../shared/data`, where it is.
enum Shared {
  static let data: String? = {
    let places =
      [ProcessInfo.processInfo.environment["DEEPFM_SHARED"]].compactMap { $0 } + [
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
          .deletingLastPathComponent()
          .deletingLastPathComponent().appendingPathComponent("shared").path
      ]
    return places.map { $0 + "/data" }.first { FileManager.default.fileExists(atPath: $0) }
  }()
}

struct SplitMix: RandomNumberGenerator {
  private var random: CounterRandom

  init(_ seed: Int) { random = CounterRandom(99, UInt64(seed)) }

  mutating func next() -> UInt64 { random.next() }
}
