/// Seconds on any clock that does not go back. Cores are told the time; they never look.
public typealias Seconds = Double

/// How patient members are. Time limits serve liveness only: no promise about what a run computes rests on them.
public struct Timing: Codable, Hashable, Sendable {
  /// Silence, or work that stands still, after which somebody is named.
  public var timeout: Seconds
  /// How long a member waits for a coordinator that has fallen silent: it may be started anew.
  public var coordinatorTimeout: Seconds
  /// Between beats.
  public var beat: Seconds = 0.5
  /// Until a question is first asked again, at least; it doubles each time.
  public var firstResend: Seconds = 0.2
  /// Between repetitions, at most.
  public var mostResend: Seconds = 4

  /// From the first process that offers itself in mid-run to the view that it takes part in: others may come.
  public var joinWindow: Seconds = 0.5

  public init(timeout: Seconds = 20, coordinatorTimeout: Seconds = 300) {
    self.timeout = timeout
    self.coordinatorTimeout = coordinatorTimeout
  }

  /// How often a core wants to hear the time.
  public static let tick: Seconds = 0.1
  /// A tick that comes later than this means that the whole process, if not the machine, stood still.
  public static let standstill: Seconds = 2
}

/// Tells how much longer than expected the time since the last tick was. A process that was stopped, or whose machine
/// slept, has not listened: that time is nobody's silence.
public struct Ticks: Sendable {
  private var last: Seconds

  public init(at time: Seconds) { last = time }

  /// - Returns: seconds to add to every deadline; 0 as a rule.
  public mutating func lateness(at time: Seconds) -> Seconds {
    defer { last = max(last, time) }
    let gap = time - last
    return gap > Timing.standstill ? gap : 0
  }
}
