import Checkpoint
import Sharding

/// Whether a run's checkpoints are what was written.
public struct Verification: Sendable {
  /// A checkpoint that is kept, with what it stands on, and what is wrong with it.
  public struct Finding: Sendable {
    public let checkpoint: CheckpointRecord
    /// Numbers of what it stands on, and its own.
    public let chain: [Int]
    /// Of all files that it is read from.
    public let files: Int
    public let rows: Int
    public let bytes: Int
    /// nil: it is whole.
    public let problem: String?
  }

  /// Of the checkpoints that are kept, ascending.
  public let findings: [Finding]

  /// Reads every file of a run that a kept checkpoint consists of, each once, in this thread.
  ///
  /// - Throws: `CatalogueError` where there is no run, `RunFailure.interrupted`.
  public static func run(_ path: String, caller: Caller = Caller()) throws -> Verification {
    let directory = RunDirectory.open(path)
    let catalogue = try Catalogue.open(at: directory.catalogue)
    return try Verification(
      catalogue.history().checkpoints, run: catalogue.fact("run"), directory, caller, isEnough: { _ in false })
  }

  /// - Parameter isEnough: asked after each checkpoint, the last one first; true ends the search.
  init(
    _ checkpoints: [CheckpointRecord], run: UInt64, _ directory: RunDirectory, _ caller: Caller,
    isEnough: (Finding) -> Bool
  ) throws {
    let kept = Set(checkpoints.last?.kept ?? [])
    let needed = checkpoints.needed
    let all = checkpoints.reduce(0) { $0 + (needed.contains($1.number) ? $1.bytes : 0) }
    var read = 0
    var problems: [Int: String?] = [:]
    /// What is wrong with the files of one checkpoint alone.
    func problem(of record: CheckpointRecord) throws -> String? {
      if let known = problems[record.number] { return known }
      let files = directory.find(record.files)
      var problem: String?
      do {
        for part in files.parts {
          try CheckpointReading.check(run: run, files, part) { bytes in
            read += bytes
            try caller.show("checking checkpoints", read, of: all)
          }
        }
      } catch let error as CheckpointError {
        problem = "\(error)"
      }
      problems[record.number] = .some(problem)
      return problem
    }
    var findings: [Finding] = []
    for record in checkpoints.reversed() where kept.contains(record.number) {
      let chain = checkpoints.chain(of: record)
      let parts = chain.flatMap(\.parts)
      let finding = Finding(
        checkpoint: record, chain: chain.map(\.number), files: parts.count, rows: parts.reduce(0) { $0 + $1.rows },
        bytes: parts.reduce(0) { $0 + $1.bytes }, problem: try chain.lazy.compactMap { try problem(of: $0) }.first)
      findings.insert(finding, at: 0)
      if isEnough(finding) { break }
    }
    self.findings = findings
  }

  public var isWhole: Bool { findings.allSatisfy { $0.problem == nil } }
}

extension Catalogue {
  /// Where the last checkpoint is not whole, has the run go on from the last one that is, and says so.
  ///
  /// - Throws: `RunFailure` where no checkpoint of the stage is whole.
  func fallBack(in directory: RunDirectory, _ caller: Caller) throws {
    let checkpoints = try checkpoints()
    guard let last = checkpoints.last else { return }
    let verification = try Verification(
      checkpoints, run: fact("run"), directory, caller, isEnough: { $0.problem == nil })
    let findings = verification.findings.filter { $0.checkpoint.stage == last.stage }
    guard let problem = findings.last?.problem else { return }
    guard var whole = findings.last(where: { $0.problem == nil })?.checkpoint else {
      throw RunFailure.failed("\(problem) No other checkpoint of \(directory.path) is whole.")
    }
    whole.kept = last.kept.filter { $0 <= whole.number }
    let sentence =
      "checkpoint \(last.number) is not whole: \(problem) The run goes on from checkpoint \(whole.number), at step "
      + "\(whole.step)"
    try record(event: sentence)
    try fallBack(to: whole)
    caller.observer.say(sentence)
  }
}
