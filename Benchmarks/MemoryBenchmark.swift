import Foundation

/// What `deepfm vocab build` and `deepfm split` take of memory on much data, against the bounds that their help states.
enum MemoryBenchmark {
  static let vocabularyMemory = 128
  /// MiB, as documented.
  static let bounds = (vocabulary: vocabularyMemory + 64 + 8 * cores, split: 48 + 8 * cores)
  private static let cores = ProcessInfo.processInfo.activeProcessorCount

  static func run(_ file: String, rows: Int, scratch: Scratch) throws {
    let bytes = Double(try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0)
    let vocabulary = try peak([
      "vocab", "build", file, "--min-count", "2", "--memory", "\(vocabularyMemory)", "--out",
      scratch.path + "/vocab.sqlite",
    ])
    let split = try peak(["split", file, "--random", "9:1", "--out", scratch.path + "/a.txt", scratch.path + "/b.txt"])
    func line(_ name: String, _ used: (mebibytes: Double, seconds: Double), bound: Int) -> String {
      String(format: "  %@ %6.0f MiB   ", name, used.mebibytes)
        + Report.share(used.mebibytes, of: Double(bound)) + " of its bound of \(bound) MiB, "
        + Report.megabytes(bytes / used.seconds)
    }
    print(
      """
      Peak memory, \(rows) rows of \(String(format: "%.0f", bytes / 1e6)) MB
      \(line("vocab build --memory \(vocabularyMemory)", vocabulary, bound: bounds.vocabulary))
      \(line("split                   ", split, bound: bounds.split))

      """)
  }

  /// Runs the tool to its end and reads its high-water mark every few milliseconds. (What `wait4` says would count this
  /// program's own, which the child has until it becomes another.)
  private static func peak(_ arguments: [String]) throws -> (mebibytes: Double, seconds: Double) {
    let process = Process()
    process.executableURL = ClusterRun.tool
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    var peak = 0.0
    let time = try seconds {
      try process.run()
      while process.isRunning {
        peak = max(peak, highWaterMark(of: process.processIdentifier))
        usleep(5_000)
      }
    }
    guard process.terminationStatus == 0 else { throw BenchmarkFailure() }
    return (peak, time)
  }

  /// MiB; 0 where the process is gone.
  private static func highWaterMark(of process: Int32) -> Double {
    let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
    guard status.contains("deepfm"), let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM") }),
      let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Double($0) })
    else { return 0 }
    return kibibytes / 1024
  }
}

struct BenchmarkFailure: Error {}
