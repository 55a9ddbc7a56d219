/// Finds the word that was meant.
public enum Nearest {
  /// The word with the fewest letters to change.
  public static func word(to wrong: String, among words: [String]) -> String {
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
