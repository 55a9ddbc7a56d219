import Features
import Foundation

/// Reading against reading: the bytes alone, their lines, and the rows parsed and encoded.
enum ReadingBenchmark {
  static func run(_ file: String) throws {
    let bytes = Double(try FileManager.default.attributesOfItem(atPath: file)[.size] as! Int)
    let raw = try seconds { _ = try Data(contentsOf: URL(fileURLWithPath: file)).count }
    let lines = try seconds {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/wc")
      process.arguments = ["-l", file]
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
    }
    var index: DatasetIndex?
    let indexing = try seconds {
      index = try DatasetIndex.build(files: [file], format: .criteo, spool: "/nonexistent")
    }
    var reader = try ChunkReader(index!)
    var batch = Batch(fields: 39)
    let parsing = try seconds {
      for chunk in index!.chunks {
        batch.reset()
        try reader.read(chunk, into: &batch)
      }
    }
    print(
      """
      Criteo rows, one core
        reading the bytes   \(Report.megabytes(bytes / raw))
        wc -l               \(Report.megabytes(bytes / lines))
        indexing            \(Report.megabytes(bytes / indexing))   \(Report.share(bytes / indexing, of: bytes / lines)) of wc -l
        parse and encode    \(Report.megabytes(bytes / parsing))   \(Report.share(bytes / parsing, of: bytes / lines)) of wc -l, \(Report.rate(Double(index!.rows) / parsing))

      """)
  }
}
