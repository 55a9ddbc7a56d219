import Sharding
import Wire

/// One SHA-256 for all parameters, however they are sharded: the hash of the slots' hashes, ascending by table and
/// slot, each over its rows in order of ascending ranks.
enum ParameterDigest {
  static func combine(_ digests: [SlotDigest]) -> String {
    var hash = SHA256()
    for digest in digests.sorted(by: { ($0.table, $0.slot) < ($1.table, $1.slot) }) {
      hash.update("\(digest.table) \(digest.slot) \(digest.sha256)\n")
    }
    return hash.finish().description
  }
}
