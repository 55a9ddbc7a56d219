import DeepFM
import Features
import Foundation
import Job
import Run
import Serving

/// How fast a trained DeepFM-D scores in one process, beside what the products of its forward pass alone take, and beside
/// PyTorch's forward where that is installed.
enum ScoringBenchmark {
  static func run(_ data: String, scratch: Scratch) throws {
    var settings = Settings()
    settings.data.train = [try scratch.synthesize(rows: 50_000, "scored.txt")]
    settings.optimization.epochs = 1
    settings.runDirectory = scratch.path + "/scored"
    _ = try Training(settings, members: .launched(LocalCluster())).run()
    let model = try ModelSource(settings.runDirectory!).read()
    let index = try DatasetIndex.build([data], encoding: model.encoding, ReadingOptions(spool: scratch.path + "/spool"))
    let cores = ProcessInfo.processInfo.activeProcessorCount
    let bound = MatrixBound.forward()
    let scorer = LocalScorer(model)
    let rate = try (0..<3).map { _ in
      let time = try seconds { _ = try scorer.score(index, threads: cores) }
      return Double(index.rows) / time
    }.max()!
    print(
      """
      scoring \(index.rows) rows by DeepFM-D in one process, from text to logits
        sgemm bound of the forward pass    \(Report.rate(bound))
        scored                             \(Report.rate(rate))   \(Report.share(rate, of: bound)) of it
      """)
    let torch = try torchRate(scratch)
    print(
      "    PyTorch's forward, no reading      "
        + (torch.map { "\(Report.rate($0))   ours is \(Report.share(rate, of: $0)) of it" } ?? "(not installed)"))
  }

  private static let torch = """
    import time, torch
    torch.manual_seed(1)
    fields, k, keys, rows = 39, 10, 200000, 2048
    w, v = torch.nn.Embedding(keys, 1), torch.nn.Embedding(keys, k)
    deep = torch.nn.Sequential(torch.nn.Linear(fields * k, 400), torch.nn.ReLU(), torch.nn.Linear(400, 400), torch.nn.ReLU(),
        torch.nn.Linear(400, 400), torch.nn.ReLU(), torch.nn.Linear(400, 1))
    def forward(x):
        e = v(x)
        fm = w(x).sum(1) + 0.5 * (e.sum(1).square() - e.square().sum(1)).sum(1, keepdim=True)
        return fm + deep(e.flatten(1))
    batches = [torch.randint(keys, (rows, fields)) for _ in range(40)]
    best = 0
    with torch.inference_mode():
        for _ in range(3):
            start = time.perf_counter()
            for x in batches: forward(x)
            best = max(best, rows * len(batches) / (time.perf_counter() - start))
    print(best)
    """

  private static func torchRate(_ scratch: Scratch) throws -> Double? {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-c", torch]
    let output = Pipe()
    (process.standardOutput, process.standardError) = (output, FileHandle.nullDevice)
    try process.run()
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return Double(said.trimmingCharacters(in: .whitespacesAndNewlines))
  }
}
