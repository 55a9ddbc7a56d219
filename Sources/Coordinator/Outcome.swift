import Checkpoint
import Job

/// How far training is.
public struct RunProgress: Hashable, Sendable {
  public var epoch: Int
  public var epochs: Int
  public var rows: Int
  public var rowsInEpoch: Int
  public var trainLogloss: Double
  public var samplesPerSecond: Double
  /// Seconds until the last epoch's end, at the present speed.
  public var secondsLeft: Double
}

/// What a finished run came to.
public struct RunResult: Sendable {
  /// Training rows over all epochs, or rows scored.
  public var rows = 0
  public var epochs: [EpochRecord] = []
  public var evaluation: Evaluation?
  public var parameterDigest: String?
  public var labels: [Float] = []
  public var logits: [Float] = []
  public var trainingSeconds = 0.0
  /// Seconds that workers waited for data, a worker's on average.
  public var stallSeconds = 0.0
  /// Of a survey: what each worker has.
  public var surveys: [SurveyResult] = []

  package init() {}

  public var samplesPerSecond: Double { trainingSeconds > 0 ? Double(rows) / trainingSeconds : 0 }
}

/// How a run ended.
public enum Outcome: Sendable {
  case completed(RunResult)
  /// A sentence that names who failed and what to do.
  case failed(String)
  case interrupted(lastCheckpoint: Int?)
}
