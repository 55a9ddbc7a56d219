/// How rows of click data are written in a file.
///
/// A format says where the label is, how a row falls into fields, and which 64-bit key each category gets. Whoever
/// reads the same bytes in the same format gets the same keys, on any machine.
public enum DataFormat: String, Codable, Sendable, CaseIterable {
  /// The Criteo display advertising challenge: tab separated, no header, label, I1-I13, C1-C26. See ``CriteoRow``.
  case criteo
  /// `label index:value index:value …`; the j-th feature of a row belongs to field j. See ``LibFMRow``.
  case libfm
  /// Comma separated with a header line; every column but the label is a category. See ``CSVRow``.
  case csv
}
