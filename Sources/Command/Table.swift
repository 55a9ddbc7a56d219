/// Rows of the last words of runs.
enum Table {
  static func row(_ name: String, _ columns: String...) -> String {
    name.padding(toLength: 16, withPad: " ", startingAt: 0)
      + columns.map { String(repeating: " ", count: max(1, 12 - $0.count)) + $0 }.joined()
  }
}
