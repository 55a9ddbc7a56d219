/// The best items for each of some users, and what the paper measures of such lists (IV-D, eqs. 14 to 18).
public struct RecommendationLists: Sendable {
  public struct List: Hashable, Sendable {
    public var user: String
    /// Users of a group are alike; lists are compared between groups.
    public var group: String
    /// The best first.
    public var items: [String]

    public init(user: String, group: String, items: [String]) {
      self.user = user
      self.group = group
      self.items = items
    }
  }

  public var lists: [List]

  public init(_ lists: [List]) { self.lists = lists }

  /// Items of the shortest list: measures of more are of no use.
  public var depth: Int { lists.map(\.items.count).min() ?? 0 }

  public var groups: [String] { Set(lists.map(\.group)).sorted() }

  /// How different the lists of users of different groups are: the mean over all pairs of groups of eq. 15, which is the mean
  /// over their pairs of users of the share of items that only one of the two is recommended (eqs. 14, 16). 0 where all lists
  /// are the same, 1 where no two groups share an item; nil for fewer than two groups.
  ///
  /// Summed by item rather than by pair: with p the share of a group's lists that have the item, two groups share p q of it.
  public func personalization(top: Int) -> Double? {
    let groups = groups
    guard groups.count > 1, top > 0 else { return nil }
    let numbers = Dictionary(uniqueKeysWithValues: groups.enumerated().map { ($1, $0) })
    var sizes = [Double](repeating: 0, count: groups.count)
    var shares: [String: [Int: Double]] = [:]
    for list in lists {
      let group = numbers[list.group]!
      sizes[group] += 1
      for item in Set(list.items.prefix(top)) { shares[item, default: [:]][group, default: 0] += 1 }
    }
    var common = 0.0
    for item in shares.keys.sorted() {
      let all = shares[item]!.sorted { $0.key < $1.key }.map { $0.value / sizes[$0.key] }
      let sum = all.reduce(0, +)
      common += (sum * sum - all.reduce(0) { $0 + $1 * $1 }) / 2
    }
    let pairs = Double(groups.count * (groups.count - 1)) / 2
    return 1 - common / (pairs * Double(top))
  }

  /// The share of the candidates that are in any list (eq. 17).
  public func coverage(top: Int, candidates: Int) -> Double {
    Double(Set(lists.flatMap { $0.items.prefix(top) }).count) / Double(max(1, candidates))
  }

  /// How often what is recommended was chosen before, against what was chosen most often (eq. 18): the mean over all places of
  /// all lists, and the variance of the lists' means, which are those of a population.
  ///
  /// - Parameter history: by item, how often it was chosen.
  public func popularity(top: Int, history: [String: Int]) -> (mean: Double, variance: Double) {
    let most = Double(max(1, history.values.max() ?? 1))
    let means = lists.map { list in
      let items = list.items.prefix(top)
      return items.reduce(0) { $0 + Double(history[$1] ?? 0) / most } / Double(max(1, items.count))
    }
    let mean = means.reduce(0, +) / Double(max(1, means.count))
    let squares = means.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, squares / Double(max(1, means.count)))
  }
}
