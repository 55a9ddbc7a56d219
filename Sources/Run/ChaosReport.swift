/// What was done to a run, and what became of it.
public struct ChaosReport: Codable, Sendable {
  /// Something that was done to a process.
  public struct Event: Codable, Hashable, Sendable {
    /// Seconds since the processes were launched.
    public var time: Double
    public var epoch: Int
    public var step: Int
    /// Steps that the last checkpoint knew: a run that goes back goes no further.
    public var recorded: Int
    public var name: String
    public var how: ChaosOptions.How
    /// Of a stop or a cut.
    public var duration: Double?
    /// Whether training had not gone on yet since the one before.
    public var isInRecovery: Bool
    /// Seconds until training went on, to half a second; nil where the next fault, or the run's end, came first.
    public var recovered: Double?
    /// Steps that were done again, as far as members' beats tell; nil like `recovered`.
    public var stepsAgain: Int?

    enum CodingKeys: String, CodingKey {
      case time, epoch, step, recorded, name, how, duration
      case isInRecovery = "in_recovery"
      case recovered
      case stepsAgain = "steps_again"
    }
  }

  public var events: [Event] = []
  public var parameterDigest = ""
  /// That of the undisturbed run; nil where no two runs are alike.
  public var undisturbedDigest: String?
  public var seconds = 0.0
  public var directory: String

  /// Whether the bits are those of the undisturbed run, if they should be.
  public var isSame: Bool { undisturbedDigest.map { $0 == parameterDigest } ?? true }

  enum CodingKeys: String, CodingKey {
    case events
    case parameterDigest = "parameter_digest"
    case undisturbedDigest = "undisturbed_digest"
    case seconds
    case directory
  }
}
