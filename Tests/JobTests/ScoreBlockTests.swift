import Testing
import Wire

@testable import Job

struct ScoreBlockTests {
  @Test("Scores survive their message; another size than announced is refused")
  func scores() throws {
    let block = ScoreBlock(round: 2, chunk: 5, firstRow: 2048, labels: [0, 1, 1], logits: [-1, 0.5, 2])
    let message = block.message(view: 1)
    let received = try ScoreBlock(message)
    #expect(received.round == 2 && received.chunk == 5 && received.firstRow == 2048)
    #expect(received.labels == block.labels && received.logits == block.logits)
    var wrong = message
    wrong.header.count = 2
    #expect(throws: WireError.self) { try ScoreBlock(wrong) }
    wrong = message
    wrong.header.clock = .max
    #expect(throws: WireError.self) { try ScoreBlock(wrong) }
  }
}
