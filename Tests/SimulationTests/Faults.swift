/// Decides what befalls a life: a function of the seed and of how many such decisions came before, so that a life can be
/// replayed, and replayed without some of its faults.
struct Faults {
  enum Kind: String, CaseIterable {
    case lost, repeated, late, replayed, congested, reconnected, cut, oneWayCut, pause, pauseOfAll, stranger
    case crash, ambush, coordinatorCrash, diskLost, diskFull, unsyncedLost, usurped, join, drain, rebalance, jump
    case jumpOfAll, poison, serverPoison
  }

  private var random: Seeded
  private var next = 0
  /// The decisions that may still go wrong; nil: all.
  private let allowed: Set<Int>?
  /// Those that did.
  private(set) var happened: [(number: Int, kind: Kind)] = []

  init(seed: UInt64, allowed: Set<Int>?) {
    random = Seeded(seed)
    self.allowed = allowed
  }

  /// Whether a fault happens here.
  mutating func strikes(_ kind: Kind, _ probability: Double) -> Bool {
    guard probability > 0 else { return false }
    defer { next += 1 }
    guard random.happens(probability), allowed?.contains(next) ?? true else { return false }
    happened.append((next, kind))
    return true
  }

  /// Notes what follows from other faults, or from the world.
  mutating func note(_ kind: Kind) { happened.append((-1, kind)) }

  /// A number for a fault that happened, or a delay.
  mutating func uniform(_ lower: Double, _ upper: Double) -> Double { random.uniform(lower, upper) }
  mutating func below(_ bound: Int) -> Int { random.below(bound) }
}
