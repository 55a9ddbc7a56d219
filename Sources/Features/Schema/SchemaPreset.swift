/// The schemas that come with the tool, as the text that `deepfm schema show` prints.
public enum SchemaPreset: String, CaseIterable, Sendable {
  case criteo, avazu, movielens, csv, tsv, libsvm, libfm, libffm

  /// - Throws: never, but for a mistake in this file, which a test would find.
  public func schema() throws -> Schema { try Schema(yaml: yaml, file: "schema \(rawValue)") }

  public var yaml: String {
    switch self {
    case .criteo:
      """
      # Criteo display advertising challenge (Kaggle 2014): tab separated, no header,
      # the label, 13 integers that may be missing or negative, 26 hashed categories.
      format: criteo
      label: label
      fields:

      """ + Self.lines((1...13).map { "{name: I\($0), type: numeric, transform: log-squared}" })
        + Self.lines((1...26).map { "C\($0)" })
    case .avazu:
      """
      # Avazu click-through rate prediction (Kaggle 2014): CSV with a header.
      format: csv
      label: click
      timestamp: hour       # YYMMDDHH
      ignore: [id]
      fields:

      """
        + Self.lines(
          "C1 banner_pos site_id site_domain site_category app_id app_domain app_category device_id device_ip device_model device_type device_conn_type"
            .split(separator: " ").map(String.init) + (14...21).map { "C\($0)" })
    case .movielens:
      """
      # MovieLens 100K, joined: label,timestamp,user,age,gender,occupation,zip,item,year,genres.
      # Where the data have the rating itself, the rule is `label: rating >= 4`.
      format: csv
      label: label
      timestamp: timestamp
      fields:
        - user
        - {name: age, type: numeric, transform: quantile, buckets: 10}
        - gender
        - occupation
        - zip
        - item
        - year
        - {name: genres, type: multi-valued, separator: "|", pooling: mean}

      """
    case .csv, .tsv:
      """
      # Columns between \(self == .csv ? "commas" : "tabs"), named by the first line. The column "label" says 1, or 0 or -1;
      # every other is a category. `deepfm schema infer FILE` proposes a better one.
      format: \(rawValue)
      label: label

      """
    case .libsvm:
      """
      # label index:value ...   Each index is a field of its own. With more than a few hundred, say which
      # field has which:
      #   fields: [{name: user, indices: 1-943}, {name: item, indices: 944-2625}]
      format: libsvm

      """
    case .libfm:
      """
      # label index:value ...   The j-th feature of a row belongs to field j: rows are equally long.
      # Where they are not, give each field its range:
      #   fields: [{name: user, indices: 0-942}, {name: item, indices: 943-2624}]
      format: libfm

      """
    case .libffm:
      """
      # label field:index:value ...   A field may have any number of features.
      format: libffm

      """
    }
  }

  private static func lines(_ items: [String]) -> String { items.map { "  - \($0)\n" }.joined() }
}
