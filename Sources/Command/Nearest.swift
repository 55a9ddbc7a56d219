import ArgumentParser

/// Finds the word that was meant.
enum Nearest {
  /// The word with the fewest letters to change.
  static func word(to wrong: String, among words: [String]) -> String {
    words.min { distance(wrong, $0) < distance(wrong, $1) } ?? wrong
  }

  /// Levenshtein's edit distance.
  private static func distance(_ a: String, _ b: String) -> Int {
    let b = Array(b)
    var row = Array(0...b.count)
    for (i, letter) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let above = row[j + 1]
        row[j + 1] = letter == b[j] ? diagonal : 1 + min(diagonal, above, row[j])
        diagonal = above
      }
    }
    return row[b.count]
  }
}

/// The value of a name; a name that is not known is refused with the nearest one that is.
func named<Value: RawRepresentable & CaseIterable>(_ name: String) throws -> Value where Value.RawValue == String {
  if let value = Value(rawValue: name) { return value }
  throw ValidationError(unknownName(name, among: Value.allCases.map(\.rawValue)))
}

func unknownName(_ name: String, among names: [String]) -> String {
  "there is no \"\(name)\"; did you mean \"\(Nearest.word(to: name, among: names))\"? "
    + "There are: \(names.joined(separator: ", "))."
}
