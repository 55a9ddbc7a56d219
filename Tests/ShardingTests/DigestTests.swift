import Foundation
import Sharding
import Testing

@Suite("Digests")
struct DigestTests {
  @Test(
    "Hashes are those that the standard gives",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func standard(text: String, expected: String) throws {
    var hash = SHA256()
    hash.update(text)
    let digest = hash.finish()
    #expect(digest.description == expected && digest == SHA256.hash(Array(text.utf8)))
    #expect(Digest(expected) == digest && Digest(bytes: digest.bytes) == digest)
    #expect(try JSONDecoder().decode([Digest].self, from: JSONEncoder().encode([digest])) == [digest])
  }

  @Test("What is no digest is refused", arguments: ["", "00", String(repeating: "g", count: 64), "é"])
  func refused(text: String) {
    #expect(Digest(text) == nil)
    #expect(throws: DecodingError.self) { try JSONDecoder().decode([Digest].self, from: JSONEncoder().encode([text])) }
  }
}
