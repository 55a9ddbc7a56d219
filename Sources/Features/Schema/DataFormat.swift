/// How rows of click data are written in a file.
public enum DataFormat: String, Codable, Sendable, CaseIterable {
  /// The Criteo display advertising challenge: tab separated, no header, label, I1-I13, C1-C26.
  case criteo
  /// Columns between commas, a header line; RFC 4180 quotes.
  case csv
  /// Columns between tabs, a header line; RFC 4180 quotes.
  case tsv
  /// `label index:value ...`; an index is a field of its own, unless the schema's fields have ranges of them.
  case libsvm
  /// `label index:value ...`; the j-th feature of a row belongs to field j, unless the schema's fields have ranges.
  case libfm
  /// `label field:index:value ...`
  case libffm

  /// Whether a row is columns between separators.
  public var isDelimited: Bool {
    switch self {
    case .criteo, .csv, .tsv: true
    case .libsvm, .libfm, .libffm: false
    }
  }
}
