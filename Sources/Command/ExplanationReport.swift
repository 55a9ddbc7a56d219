import Foundation
import Serving

/// What a row's logit is made of, the fields that move it most first.
enum ExplanationReport {
  private static let most = 15

  /// - Parameter row: from 0.
  static func text(_ explanation: Explanation, row: Int, _ fields: [String]) -> String {
    func number(_ value: Double) -> String { (value < 0 ? "" : "+") + Format.fixed(value, 4) }
    let order = explanation.shares.indices.sorted {
      let (a, b) = (explanation.shares[$0], explanation.shares[$1])
      return abs(a.first + a.second) > abs(b.first + b.second)
    }
    let lines = order.prefix(most).map {
      [fields[$0], number(explanation.shares[$0].first), number(explanation.shares[$0].second)]
    }
    let (first, second) = explanation.shares.reduce((0.0, 0.0)) { ($0.0 + $1.first, $0.1 + $1.second) }
    let sums = [
      "bias \(number(explanation.bias))", "order 1 \(number(first))", "order 2 \(number(second))",
      "deep \(number(explanation.deep))",
    ]
    let probability = Probability.of(Float(explanation.logit))
    return """
      row \(row + 1): logit \(number(explanation.logit)) = \(sums.joined(separator: "  ")), probability \(probability)
      \(TextTable(["field", "order 1", "order 2"], lines, right: [1, 2]).text)
      """
  }
}
