import CSodium

/// SHA-256 (FIPS 180-4) by libsodium.
public struct SHA256: Sendable {
  private var state = crypto_hash_sha256_state()

  public init() { crypto_hash_sha256_init(&state) }

  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    // Bytes, whatever they were bound to.
    crypto_hash_sha256_update(&state, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count))
  }

  public mutating func update(_ text: String) {
    var text = text
    text.withUTF8 { update(UnsafeRawBufferPointer($0)) }
  }

  /// The hash of all that was given. The hash is over: begin another.
  public mutating func finish() -> Digest {
    var bytes = [UInt8](repeating: 0, count: Digest.size)
    crypto_hash_sha256_final(&state, &bytes)
    return Digest(bytes: bytes)!
  }

  public static func hash(_ bytes: [UInt8]) -> Digest {
    var hash = SHA256()
    bytes.withUnsafeBytes { hash.update($0) }
    return hash.finish()
  }
}
