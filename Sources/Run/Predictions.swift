import Features
import Serving

/// Click probabilities as text.
public enum Predictions {
  /// A probability a line, in the order of the rows; an empty line for a row that was skipped.
  ///
  /// - Parameter logits: of the rows that were not skipped.
  /// - Throws: `PredictionError` for a row whose logit is not a number.
  public static func text(_ logits: [Float], of data: DatasetIndex) throws -> String {
    var text = ""
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
        text += "\(Probability.of(logits[next]))\n"
        next += 1
      }
    }
    return text
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
