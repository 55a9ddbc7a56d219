import CSodium
import Wire

/// One SHA-256 for all parameters, however they are sharded: the hash of the slots' hashes, ascending by table and
/// slot, each over its rows in ascending key order.
enum ParameterDigest {
  static func combine(_ digests: [SlotDigest]) -> String {
    var state = crypto_hash_sha256_state()
    crypto_hash_sha256_init(&state)
    for digest in digests.sorted(by: { ($0.table, $0.slot) < ($1.table, $1.slot) }) {
      let line = Array("\(digest.table) \(digest.slot) \(digest.sha256)\n".utf8)
      crypto_hash_sha256_update(&state, line, UInt64(line.count))
    }
    var hash = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
    crypto_hash_sha256_final(&state, &hash)
    let digits = Array("0123456789abcdef")
    return String(hash.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }
}
