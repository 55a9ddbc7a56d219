import Features
import Foundation
import Job
import Sharding
import Testing
import Worker

struct WorkerDataTests {
  @Test("A vocabulary is made once, however many views name it")
  func vocabulary() throws {
    try withData(rows: 20) { _, index in
      let encoding = Array(try JSONEncoder().encode(index.encoding))
      let words = [Vocabulary([7, 3]), Vocabulary([7, 4])].map { Array($0.bytes) }
      func prepare(_ view: UInt32, _ vocabulary: [UInt8]?, after before: WorkerData?) throws -> WorkerData {
        var assignment = Sample.assignment()
        assignment.data = DataArticles(
          encoding: SHA256.hash(encoding), train: [], evaluation: [], vocabulary: vocabulary.map(SHA256.hash),
          usesAdmission: false)
        let articles = ([encoding] + words).map { (SHA256.hash($0), $0) }
        return try WorkerData(
          Preparation(view: view, assignment: assignment, articles: Dictionary(uniqueKeysWithValues: articles)),
          after: before)
      }
      let first = try prepare(1, words[0], after: nil)
      #expect(first.vocabulary?.keys == [3, 7])
      #expect(try prepare(2, words[0], after: first).vocabulary === first.vocabulary)
      #expect(try prepare(2, words[1], after: first).vocabulary?.keys == [4, 7])
      #expect(try prepare(2, nil, after: first).vocabulary == nil)
    }
  }
}
