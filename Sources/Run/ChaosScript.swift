import Randomness

/// What chaos is to do to a cluster.
public struct ChaosOptions: Codable, Hashable, Sendable {
  /// Whom it strikes.
  public enum Role: String, Codable, Sendable, CaseIterable {
    case worker, server, coordinator
  }

  /// How.
  public enum How: String, Codable, Sendable, CaseIterable {
    /// SIGKILL.
    case kill
    /// SIGSTOP, and SIGCONT after a while.
    case stop
    /// Its connections pass nothing for a while: a worker's to the coordinator, a server's to workers and servers, all of
    /// the coordinator's.
    case cut
  }

  /// Faults of any kind.
  public var kills: Int
  public var seed: UInt64
  public var roles: [Role]
  public var how: [How]

  public init(kills: Int = 10, seed: UInt64 = 1, roles: [Role] = Role.allCases, how: [How] = [.kill]) {
    self.kills = kills
    self.seed = seed
    self.roles = roles
    self.how = how
  }
}

/// The faults of one run, drawn from a seed.
struct ChaosScript: Hashable, Sendable {
  struct Fault: Hashable, Sendable {
    var role: ChaosOptions.Role
    var how: ChaosOptions.How
    /// How far the run is to be, from 0 to 1, before it strikes.
    var share: Double
    /// Seconds after the last fault at which it strikes, whether training has gone on or not: recovery is to be hit too.
    var haste: Double?
    /// How long a stop or cut lasts, in timeouts.
    var duration: Double
    /// Which member of the role, from 0 to 1.
    var pick: Double
  }

  let faults: [Fault]

  /// Of the faults, those that do not wait for training to go on.
  private static let hastyShare = 0.25
  private static let longestHaste = 2.0
  /// Of the run, what the faults are spread over: each takes its time, and the last is to be borne before the run ends.
  private static let lastShare = 0.7
  /// Most timeouts that a stop or a cut lasts: shorter ones are to be borne, longer ones lose the member.
  private static let longest = 2.0

  init(_ options: ChaosOptions) {
    var random = CounterRandom(options.seed)
    /// Everything once, as far as the faults go round, then anything.
    func draw<Choice>(_ choices: [Choice]) -> [Choice] {
      var all = choices
      random.shuffle(&all)
      guard !all.isEmpty else { return [] }
      return (0..<options.kills).map { $0 < all.count ? all[$0] : all[random.next(below: all.count)] }
    }
    let roles = draw(options.roles)
    let how = draw(options.how)
    let shares = (0..<options.kills).map { _ in 0.02 + Self.lastShare * random.uniform() }.sorted()
    var isHasty = false
    faults = zip(zip(roles, how), shares).map { kind, share in
      // Not one hasty fault after another: a run whose workers keep dying at one step is to end, and would.
      isHasty = !isHasty && random.uniform() < Self.hastyShare
      return Fault(
        role: kind.0, how: kind.1, share: share, haste: isHasty ? Self.longestHaste * random.uniform() : nil,
        duration: Self.longest * random.uniform(), pick: random.uniform())
    }
  }
}
