import Foundation
import Sharding
import Testing

@testable import ParamServer
@testable import Wire

let somePeer = Socket.Peer(bytes: [1])

func assign(
  server: Int = 0, of servers: Int = 1, slices: Int = 1, tables: [TableDescription] = [describeTable()],
  restore: ServerAssignment.Restore? = nil
) -> ServerAssignment {
  ServerAssignment(
    server: server, view: 7, slots: SlotMap(servers: servers), tables: tables, slices: slices, seed: 1, database: nil,
    restore: restore)
}

func sorted(_ keys: some Sequence<UInt64>) -> [UInt64] {
  Set(keys).sorted { Rank.of($0) < Rank.of($1) }
}

func frame<Element: BitwiseCopyable>(_ elements: [Element]) -> Frame {
  elements.withUnsafeBufferPointer { Frame(copying: $0) }
}

func pull(_ keys: [UInt64], clock: UInt64 = 0, readOnly: Bool = false, view: UInt32 = 7) -> Message {
  var header = Header(.pull)
  header.view = view
  header.clock = clock
  header.request = 99
  header.count = UInt64(keys.count)
  header.flags = readOnly ? Header.readOnly : 0
  return Message(header, [frame(keys.map(Rank.of))])
}

func push(
  _ keys: [UInt64], _ values: [Float], clock: UInt64 = 0, node: SliceNode = .init(level: 0, index: 0),
  samples: Int = 1, part: Int = 0, parts: Int = 1
) -> Message {
  var header = Header(.push)
  header.view = 7
  header.clock = clock
  header.count = UInt64(keys.count)
  header.node = node
  header.samples = UInt64(samples)
  header.part = UInt32(part)
  header.parts = UInt32(parts)
  return Message(header, [frame(keys.map(Rank.of)), frame(values)])
}

extension [ServerCore.Effect] {
  var messages: [Message] { map { if case .send(let message, _) = $0 { message } else { fatalError() } } }
  var isRefusal: Bool { messages.count == 1 && messages[0].header.kind == .refusal }
}

extension Message {
  var floats: [Float] { withExtendedLifetime(payload) { Array(payload[0].elements(as: Float.self)) } }
}

/// A gradient sum: keys, by ascending rank, and their rows.
struct Gradient {
  var keys: [UInt64]
  var values: [Float]

  static func random(keys pool: [UInt64], width: Int, using generator: inout SeededGenerator) -> Gradient {
    let keys = pool.filter { _ in Bool.random(using: &generator) }
    return Gradient(keys: keys, values: (0..<keys.count * width).map { _ in .random(in: -1...1, using: &generator) })
  }

  /// The sum by its definition, key by key.
  static func + (left: Gradient, right: Gradient) -> Gradient {
    guard !left.keys.isEmpty || !right.keys.isEmpty else { return left }
    let width = (left.values.count + right.values.count) / (left.keys.count + right.keys.count)
    var rows: [UInt64: [Float]] = [:]
    for (i, key) in left.keys.enumerated() { rows[key] = Array(left.values[i * width..<(i + 1) * width]) }
    for (i, key) in right.keys.enumerated() {
      let row = right.values[i * width..<(i + 1) * width]
      rows[key] = rows[key].map { zip($0, row).map { $0 + $1 } } ?? Array(row)
    }
    let keys = sorted(rows.keys)
    return Gradient(keys: keys, values: keys.flatMap { rows[$0]! })
  }

  /// The sum below a node, along the tree.
  static func sum(_ slices: [Gradient], at node: SliceNode) -> Gradient {
    guard node.level > 0 else { return slices[Int(node.index)] }
    let left = SliceNode(level: Int(node.level) - 1, index: Int(node.index) * 2)
    guard !left.sibling.slices(of: slices.count).isEmpty else { return sum(slices, at: left) }
    return sum(slices, at: left) + sum(slices, at: left.sibling)
  }

  func messages(node: SliceNode, samples: Int, parts: Int, clock: UInt64 = 0) -> [Message] {
    let width = keys.isEmpty ? 0 : values.count / keys.count
    return (0..<parts).map { part in
      let range = part * keys.count / parts..<(part + 1) * keys.count / parts
      return push(
        Array(keys[range]), Array(values[range.lowerBound * width..<range.upperBound * width]), clock: clock,
        node: node, samples: samples, part: part, parts: parts)
    }
  }
}

extension ServerCore {
  mutating func read(_ keys: [UInt64]) -> [UInt32] {
    receive(pull(keys, readOnly: true), from: somePeer).messages[0].floats.map(\.bitPattern)
  }
}

func withTemporaryDirectory(_ body: (URL) throws -> Void) throws {
  let directory = FileManager.default.temporaryDirectory.appending(path: "shards-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: directory) }
  try body(directory)
}
