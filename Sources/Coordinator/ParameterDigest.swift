import Sharding
import Wire

/// One SHA-256 for all parameters, however they are sharded: the hash of the slots' hashes, ascending by table and
/// slot, each over its rows in ascending order of ranks.
enum ParameterDigest {
  static func combine(_ digests: [SlotDigest]) -> String {
    var hash = SHA256()
    for digest in digests.sorted(by: { ($0.table, $0.slot) < ($1.table, $1.slot) }) {
      let line = Array("\(digest.table) \(digest.slot) \(digest.digest)\n".utf8)
      line.withUnsafeBytes { hash.update($0) }
    }
    return "\(hash.finish())"
  }
}
