import Testing

@testable import Coordinator
@testable import Features
@testable import Run

struct PredictionTests {
  /// Two files of 3 and 2 rows, the second row of the first being skipped.
  private static let data = DatasetIndex(
    encoding: Encoding(
      format: .libfm, separator: 9, hasHeader: false, hasQuotes: false, columns: [], labelColumn: 0,
      label: LabelRule(column: "label"), timestampColumn: nil, missingTexts: [""],
      fields: [.init(name: "1", column: 0, owner: 0, rule: .index, missing: .own, indices: nil)], firstField: 0,
      leavesOutUnknown: false, vocabulary: nil),
    files: [.init(name: "a", path: "a"), .init(name: "b", path: "b")],
    chunks: [
      Chunk(file: 0, offset: 0, length: 10, firstLine: 1, rows: 2, skipped: [1]),
      Chunk(file: 1, offset: 0, length: 5, firstLine: 1, rows: 1),
      Chunk(file: 1, offset: 5, length: 5, firstLine: 2, rows: 1),
    ], rows: 4)

  @Test("A probability a line, an empty one for a row that was skipped")
  func text() throws {
    #expect(try Predictions.text([0, 0, 0, 0], of: Self.data) == "0.5\n\n0.5\n0.5\n0.5\n")
  }

  @Test("A prediction that is not a number is refused with its row", arguments: [(1, "a", 3), (3, "b", 2)])
  func notANumber(place: Int, file: String, row: Int) {
    var logits: [Float] = [0, 0, 0, 0]
    logits[place] = .nan
    let error = #expect(throws: PredictionError.self) { try Predictions.text(logits, of: Self.data) }
    #expect(error == .notANumber(file: file, row: row))
  }

  @Test("A measure that is missing says why")
  func quality() {
    #expect(Quality.auc(of: nil).reason == "no validation data")
    #expect(Quality.auc(of: Evaluation(auc: nil, logloss: 0.1)).reason == "one class only")
    #expect(Quality.auc(of: Evaluation(auc: nil, logloss: .nan)).reason == "not a number")
    #expect(Quality.logloss(of: Evaluation(auc: 0.5, logloss: .infinity)).reason == "infinite")
    #expect(Quality.logloss(of: Evaluation(auc: 0.5, logloss: .nan)).value == nil)
    #expect(Quality.auc(of: Evaluation(auc: 0.5, logloss: 1)) == .known(0.5))
  }
}
