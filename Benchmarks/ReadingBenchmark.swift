import Features
import Foundation

/// Reading against reading: the bytes alone, their lines, the rows parsed and encoded, and the rows packed.
enum ReadingBenchmark {
  struct Measured {
    /// Rows parsed and encoded in a second, on one core.
    var rowsPerSecond: Double
  }

  static func run(_ file: String, scratch: Scratch) throws -> Measured {
    let bytes = Double(try size(of: file))
    // Each is the best of three: the file is in memory then, and the machine's neighbours count least.
    let raw = try best { _ = try Data(contentsOf: URL(fileURLWithPath: file)).count }
    let lines = try best {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/wc")
      process.arguments = ["-l", file]
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
    }
    var index: DatasetIndex?
    let survey = try best {
      index = try DatasetIndex.build(
        [file], schema: Schema(format: .criteo), ReadingOptions(spool: "/nonexistent", threads: 1))
    }
    guard let index else { return Measured(rowsPerSecond: 0) }
    let parsing = try best { try readAll(index) }
    var packed: DatasetIndex?
    let packing = try seconds { packed = try Packing.pack(index, vocabulary: nil, to: scratch.path + "/train.pack") }
    let unpacking = try best { try readAll(packed!) }
    let packedBytes = Double(try size(of: scratch.path + "/train.pack"))
    let rows = Double(index.rows)
    print(
      """
      Criteo rows, one core
        reading the bytes    \(Report.megabytes(bytes / raw))
        wc -l                \(Report.megabytes(bytes / lines))
        reading through      \(Report.megabytes(bytes / survey))   \(Report.share(raw, of: survey)) of reading, \(Report.share(lines, of: survey)) of wc -l
        parse and encode     \(Report.megabytes(bytes / parsing))   \(Report.share(raw, of: parsing)) of reading, \(Report.share(lines, of: parsing)) of wc -l, \(Report.rate(rows / parsing))
        packed rows          \(Report.megabytes(packedBytes / unpacking))   \(Report.share(parsing, of: unpacking)) of parsing's rows, \(Report.rate(rows / unpacking))
        packing, all cores   \(Report.megabytes(bytes / packing))   into \(Report.share(packedBytes, of: bytes)) of the bytes

      """)
    return Measured(rowsPerSecond: rows / parsing)
  }

  private static func readAll(_ index: DatasetIndex) throws {
    let reader = ChunkReader(index)
    var batch = Batch(fields: index.fields)
    for chunk in index.chunks {
      batch.reset()
      try reader.read(chunk, into: &batch)
    }
  }

  private static func best(_ body: () throws -> Void) throws -> Double {
    var best = Double.infinity
    for _ in 0..<3 { best = min(best, try seconds(body)) }
    return best
  }

  private static func size(of file: String) throws -> Int {
    try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0
  }
}
