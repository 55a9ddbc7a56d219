/// How far apart workers' clocks may be (ARCHITECTURE.md, promise 2).
public enum Consistency: Hashable, Sendable, Codable, CustomStringConvertible {
  /// A step reads what all steps before it made: the paper's scheme (section III-B.2). Lag 0.
  case sync
  /// A step c reads the state after max(0, c - s) steps: s steps of computing hide the network. Bit for bit reproducible, as
  /// sync is.
  case lag(Int)
  /// A step reads what is there, and what its slices come to is applied as it arrives. Nobody waits for anybody, and no two
  /// runs are alike; each row of data still enters each parameter once, as a ledger on every server sees to.
  case async

  /// Far more than is of use; each step of it is kept by servers.
  public static let mostLag = 64

  /// - Throws: `UnknownChoice`.
  public init(named text: String) throws {
    if text == "sync" {
      self = .sync
    } else if text == "async" {
      self = .async
    } else if text.hasPrefix("lag:"), let steps = Int(text.dropFirst(4)), (1...Self.mostLag).contains(steps) {
      self = .lag(steps)
    } else {
      throw UnknownChoice(name: text, choices: ["sync", "lag:1", "lag:3", "async"])
    }
  }

  /// Steps that a read may be behind; nil: any number.
  public var steps: Int? {
    switch self {
    case .sync: 0
    case .lag(let steps): steps
    case .async: nil
    }
  }

  public var description: String {
    switch self {
    case .sync: "sync"
    case .lag(let steps): "lag:\(steps)"
    case .async: "async"
    }
  }

  public init(from decoder: any Decoder) throws { self = try decoder.singleText { try Self(named: $0) } }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
