import Job
import Sharding
import Wire

/// What servers' tables may take of memory (ARCHITECTURE.md, promise 6): told, warned of, and never outgrown.
struct MemoryWatch: Sendable {
  /// Of the bound: where a person is warned once, and where the run writes a checkpoint and ends.
  static let (warning, most) = (0.8, 0.95)

  private var warned: Set<Member> = []

  enum Verdict: Equatable {
    case fits
    case warn(String)
    /// The run is to end, for this reason.
    case full(String)
  }

  /// Takes what a server says that it holds.
  mutating func hear(_ load: ServerLoad, of server: Member, bound: ByteCount) -> Verdict {
    let taken = Double(load.bytes) / Double(bound.bytes)
    let sentence = "\(server) holds \(load.text) of the \(bound) that --server-memory allows"
    if taken >= Self.most { return .full(sentence) }
    guard taken >= Self.warning else {
      warned.remove(server)
      return .fits
    }
    guard warned.insert(server).inserted else { return .fits }
    return .warn(
      "\(sentence). At \(Int(100 * Self.most)) % the run writes a checkpoint and ends: add a server before")
  }
}

extension ServerLoad {
  var bytes: Int { tables.reduce(0) { $0 + $1.bytes } }

  /// `3.1g (embeddings 2.9g in 12000000 rows, dense 0.2g in 1200 rows)`
  var text: String {
    let parts = tables.map { "\($0.name) \(ByteCount(bytes: $0.bytes)) in \($0.rows) rows" }
    return "\(ByteCount(bytes: bytes)) (\(parts.joined(separator: ", ")))"
  }
}

extension RunProgram {
  /// What a server's beat says of its memory: nothing as a rule.
  mutating func weigh(_ beat: Beat, of member: Member) -> [Effect] {
    guard let load = beat.load, let bound = plan.settings.cluster.serverMemory, isFull == nil else { return [] }
    switch phase {
    case .digesting, .done: return []
    default: break
    }
    switch memory.hear(load, of: member, bound: bound) {
    case .fits: return []
    case .warn(let sentence): return [.say(sentence)]
    case .full(let sentence):
      guard case .train = plan.purpose else {
        return fail("\(sentence): score on more servers (--servers \(firstHomes.count + 1))")
      }
      isFull = sentence
      return [.say("\(sentence): a checkpoint, and the run ends")]
    }
  }

  /// What a run says that ends with a checkpoint since a server is full.
  static func ending(_ reason: String, checkpoint: Int, servers: Int) -> String {
    "\(reason). Checkpoint \(checkpoint) is whole. Add a server: go on with --resume and --servers \(servers + 1), or with a "
      + "larger --server-memory"
  }
}
