/// Users of some types, as the paper's simulation has them (IV-D.2): a type's users have chosen items of that type.
///
/// Real users have chosen of all types: those are taken of whose choices the largest share is of a type.
public struct UserTypes {
  private let history: [String: [String]]
  private let types: [String: [String]]

  /// - Parameters:
  ///   - history: by user, the items that were chosen.
  ///   - types: by item, its types.
  public init(history: [String: [String]], types: [String: [String]]) {
    self.history = history
    self.types = types
  }

  public struct Member: Hashable, Sendable {
    public var user: String
    public var type: String
    /// Of the user's choices, those of the type.
    public var share: Double
  }

  /// The commonest types among all choices, and for each the users of whose choices it has the largest share: a user is of one
  /// type at most.
  ///
  /// - Parameters:
  ///   - count: types.
  ///   - each: users of a type, at most.
  ///   - least: choices that a user has at least.
  public func sample(_ count: Int, each: Int, least: Int = 10) -> [Member] {
    var frequencies: [String: Int] = [:]
    for items in history.values {
      for item in items { for type in types[item] ?? [] { frequencies[type, default: 0] += 1 } }
    }
    let chosen = frequencies.sorted { ($0.value, $1.key) > ($1.value, $0.key) }.prefix(count).map(\.key)
    var candidates: [Member] = []
    for (user, items) in history where items.count >= least {
      for type in chosen {
        let share = Double(items.count { types[$0]?.contains(type) ?? false }) / Double(items.count)
        candidates.append(Member(user: user, type: type, share: share))
      }
    }
    // Not by share alone: a common type would have the largest share of everybody. What counts is by how much a user's share
    // is above that of all choices.
    let all = Double(history.values.reduce(0) { $0 + $1.count })
    func excess(_ member: Member) -> Double { member.share - Double(frequencies[member.type] ?? 0) / all }
    candidates.sort {
      let (left, right) = (excess($0), excess($1))
      return left != right ? left > right : ($0.user, $0.type) < ($1.user, $1.type)
    }
    var taken: Set<String> = []
    var members: [String: [Member]] = [:]
    for member in candidates where members[member.type, default: []].count < each && taken.insert(member.user).inserted
    {
      members[member.type, default: []].append(member)
    }
    return chosen.flatMap { members[$0] ?? [] }
  }
}
