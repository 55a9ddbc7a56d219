import Features
import Serving

/// Click probabilities as text.
public enum Predictions {
  /// A probability a line, in the order of the rows; an empty line for a row that was skipped.
  ///
  /// - Parameters:
  ///   - logits: of the rows that were not skipped.
  ///   - columns: of the data, whose texts come before the probability, with commas between and a header, as CSV; none: the
  ///     probability alone.
  /// - Throws: `PredictionError` for a row whose logit is not a number; `ColumnError`; `DatasetError`.
  public static func text(_ logits: [Float], of data: DatasetIndex, columns: [String] = []) throws -> String {
    var texts: [String] = []
    if !columns.isEmpty {
      texts.reserveCapacity(logits.count)
      try ColumnTexts(data, columns: columns).forEachRow { cells in
        texts.append(cells.map { quoted($0) + "," }.joined())
      }
    }
    var text = columns.isEmpty ? "" : columns.map { quoted($0) + "," }.joined() + "probability\n"
    text.reserveCapacity(logits.count * 12)
    var next = 0
    var rowsOfFile = [Int](repeating: 0, count: data.files.count)
    for chunk in data.chunks {
      var skipped = chunk.skipped[...]
      for row in 0..<chunk.rows + chunk.skipped.count {
        rowsOfFile[chunk.file] += 1
        if skipped.first == row {
          skipped.removeFirst()
          text += "\n"
          continue
        }
        guard !logits[next].isNaN else {
          throw PredictionError.notANumber(file: data.files[chunk.file].name, row: rowsOfFile[chunk.file])
        }
        if !texts.isEmpty { text += texts[next] }
        text += "\(Probability.of(logits[next]))\n"
        next += 1
      }
    }
    return text
  }

  /// A cell of CSV (RFC 4180).
  public static func quoted(_ text: String) -> String {
    let special: Set<UInt8> = [44, 34, 10, 13]
    guard text.utf8.contains(where: special.contains) else { return text }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
  }
}

/// A prediction that is none.
public enum PredictionError: Error, Equatable, CustomStringConvertible {
  /// - Parameter row: counted from 1 within its file, without a header.
  case notANumber(file: String, row: Int)

  public var description: String {
    switch self {
    case .notANumber(let file, let row):
      "\(file): the prediction for row \(row) is not a number. Either the row's numbers are too large for the model, or "
        + "its parameters have diverged: look at the row, or train with a smaller --lr."
    }
  }
}
