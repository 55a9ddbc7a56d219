/// Columns of text, as wide as their widest cell.
struct TextTable {
  let text: String

  /// - Parameter right: columns that are aligned to the right.
  init(_ titles: [String], _ rows: [[String]], right: Set<Int>) {
    let all = [titles] + rows
    let widths = titles.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    text = all.map { row in
      var line = row.indices.map { column in
        let space = String(repeating: " ", count: widths[column] - row[column].count)
        return right.contains(column) ? space + row[column] : row[column] + space
      }.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return line
    }.joined(separator: "\n")
  }
}
