import Wire

/// Which links carry messages, and how fast.
struct Network {
  private let nodes: Int
  private var cutUntil: [Seconds]
  /// By node, the number of its present connection: messages along older ones are lost.
  private(set) var connections: [UInt8]

  init(nodes: Int) {
    self.nodes = nodes
    cutUntil = Array(repeating: 0, count: nodes * nodes)
    connections = Array(repeating: 0, count: nodes)
  }

  func carries(from: Int, to: Int, at time: Seconds) -> Bool { cutUntil[from * nodes + to] <= time }

  mutating func cut(from: Int, to: Int, until time: Seconds) {
    cutUntil[from * nodes + to] = max(cutUntil[from * nodes + to], time)
  }

  mutating func reconnect(_ node: Int) { connections[node] &+= 1 }

  /// Where answers to a node's messages go.
  func route(of node: Int) -> Route { Route(bytes: [UInt8(node), connections[node]]) }

  /// The node at the end of a route; nil if that connection is gone.
  func node(along route: Route) -> Int? {
    let node = Int(route.bytes[0])
    return connections[node] == route.bytes[1] ? node : nil
  }
}
