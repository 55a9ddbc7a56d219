/// The latest of many values: what comes from outside without end takes no memory without end.
struct Recent<Value: Hashable & Sendable>: Sendable {
  private let most: Int
  private var values: Set<Value> = []
  /// A ring once it is full.
  private var order: [Value] = []
  private var next = 0

  init(most: Int) { self.most = most }

  func contains(_ value: Value) -> Bool { values.contains(value) }

  mutating func insert(_ value: Value) {
    guard values.insert(value).inserted else { return }
    if order.count < most {
      order.append(value)
    } else {
      values.remove(order[next])
      order[next] = value
      next = (next + 1) % most
    }
  }
}
