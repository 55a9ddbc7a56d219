import Checkpoint
import Sharding
import Wire

/// A parameter server without its sockets and files: a state machine. Messages go in, answers come out.
struct ServerCore {
  enum Effect {
    case send(Message, to: Socket.Peer)
  }

  let assignment: ServerAssignment
  private var tables: [ServedTable]
  private let owned: [Bool]

  /// - Throws: `ServerError` where the assignment contradicts itself.
  init(_ assignment: ServerAssignment) throws {
    guard (1...4096).contains(assignment.slices) else {
      throw ServerError.badAssignment("\(assignment.slices) slices")
    }
    guard (0..<assignment.slots.servers).contains(assignment.server) else {
      throw ServerError.badAssignment("server \(assignment.server) of \(assignment.slots.servers)")
    }
    self.assignment = assignment
    owned = assignment.slots.owners().map { Int($0) == assignment.server }
    tables = try assignment.tables.enumerated().map { number, description in
      ServedTable(
        try Table(
          description, number: number, seed: assignment.seed, clock: assignment.restore?.clock ?? 0),
        slices: assignment.slices,
        applied: assignment.restore?.clock ?? 0)
    }
  }

  /// Takes a worker's message. Whatever it holds, the answer is rows, a refusal, or nothing.
  mutating func receive(_ message: Message, from peer: Socket.Peer) -> [Effect] {
    // Keys and gradients are read where they lie in the message's frames.
    defer { withExtendedLifetime(message) {} }
    do {
      guard message.header.view == assignment.view else {
        throw Refusal("this is view \(assignment.view), the message is of view \(message.header.view)")
      }
      switch message.header.kind {
      case .pull: return try pull(message, from: peer)
      case .push: return try push(message)
      default: throw Refusal("a server takes no \(message.header.kind)")
      }
    } catch let refusal as Refusal {
      return [.send(.refusal(refusal.sentence, of: message.header), to: peer)]
    } catch {
      return [.send(.refusal("\(error)", of: message.header), to: peer)]
    }
  }

  private func number(of header: Header) throws -> Int {
    guard tables.indices.contains(Int(header.table)) else { throw Refusal("there is no table \(header.table)") }
    return Int(header.table)
  }

  /// What one message may ask for is bounded, so that its answer is too (DESIGN.md, promise 6).
  private func count(of message: Message, table: Int) throws -> Int {
    let count = try message.count()
    let most = Parts.rowsPerPart(width: tables[table].table.width)
    guard count <= most else { throw Refusal("\(count) rows in one message; send at most \(most) a part") }
    return count
  }

  private mutating func pull(_ message: Message, from peer: Socket.Peer) throws -> [Effect] {
    let table = try number(of: message.header)
    let count = try count(of: message, table: table)
    let keys = try message.elements(0, as: UInt64.self, count: count)
    try check(keys)
    guard let rows = try tables[table].pull(message, keys: keys, from: peer).get() else { return [] }
    return [.send(rows, to: peer)]
  }

  private mutating func push(_ message: Message) throws -> [Effect] {
    let table = try number(of: message.header)
    let count = try count(of: message, table: table)
    let keys = try message.elements(0, as: UInt64.self, count: count)
    _ = try message.elements(1, as: Float.self, count: count * tables[table].table.width)
    try check(keys)
    return try tables[table].push(message, count: count).get().map { .send($0.message, to: $0.peer) }
  }

  /// Ranks must ascend and lie in slots that are ours.
  private func check(_ ranks: UnsafeBufferPointer<UInt64>) throws {
    guard ranks.ascends else { throw Refusal("ranks do not ascend") }
    guard ranks.allSatisfy({ owned[Rank.slot(of: $0)] }) else { throw Refusal("a rank's slot is another server's") }
  }

  /// Steps that all tables have applied.
  var clock: UInt64 { tables.map(\.applied).min() ?? 0 }

  // MARK: Slots

  var load: ServerLoad {
    ServerLoad(tables: tables.map { .init(name: $0.table.name, rows: $0.table.rowCount, bytes: $0.table.bytes) })
  }

  /// Slots that hold rows, by table.
  var filledSlots: [(table: Int, slot: Int)] {
    tables.indices.flatMap { table in tables[table].table.filledSlots.map { (table, $0) } }
  }

  func digest(table: Int, slot: Int) -> SlotDigest {
    SlotDigest(table: table, slot: slot, sha256: tables[table].table.digest(slot: slot).description)
  }

  func digests() -> [SlotDigest] { filledSlots.map { digest(table: $0.table, slot: $0.slot) } }

  /// Slots changed since the last checkpoint, by table.
  var dirtySlots: [(table: Int, slot: Int)] {
    tables.indices.flatMap { table in tables[table].table.dirtySlots.map { (table, $0) } }
  }

  func snapshot(table: Int, slot: Int) -> SlotSnapshot { tables[table].table.snapshot(slot: slot) }

  func markClean(table: Int, slot: Int) { tables[table].table.markClean(slot: slot) }

  func owns(slot: Int) -> Bool { owned.indices.contains(slot) && owned[slot] }

  /// - Throws: `SnapshotError` where the bytes are not a slot of this table.
  ///
  /// - Parameter isDirty: whether the next checkpoint must write the slot, since this server's own file lacks it.
  func restore(_ bytes: [UInt8], table: Int, slot: Int, isDirty: Bool) throws {
    guard tables.indices.contains(table) else { throw SnapshotError.otherTable }
    try tables[table].table.restore(bytes, slot: slot, isDirty: isDirty)
  }

  /// Takes the parameters of another model's slot as the start of this one's. The optimizer starts anew.
  func start(from bytes: [UInt8], table: Int, slot: Int) throws {
    guard tables.indices.contains(table) else { throw SnapshotError.otherTable }
    try tables[table].table.restore(bytes, slot: slot, isDirty: true, onlyParameters: true)
  }
}
