extension Schema {
  /// Most fields a row may have.
  public static let mostFields = 4096
  private static let mostBuckets = 1 << 16

  /// Refuses what contradicts itself.
  ///
  /// - Parameter file: what messages call the schema.
  public func validate(file: String) throws {
    func require(_ condition: Bool, _ key: String, _ value: Any, _ reason: String) throws {
      if !condition { throw SchemaError.invalid(file: file, key: key, value: "\(value)", reason: reason) }
    }
    try require(separatorByte != nil, "separator", separator ?? "", "choose one ASCII character, or tab")
    try require(
      trim == nil || format.isDelimited, "trim", "\(trim ?? false)", "only formats with columns have blanks around them"
    )
    try require(
      !(header == true && columns != nil), "columns", columns?.first ?? "", "leave them out where a header names them")
    try require(
      header != false || columns != nil || format == .criteo || !format.isDelimited, "header", "false",
      "name the columns with `columns: [...]`, since nothing else does")
    try require(Set(columns ?? []).count == columns?.count ?? 0, "columns", "", "each column has a name of its own")
    guard let fields else { return }
    try require(1...Self.mostFields ~= fields.count, "fields", fields.count, "choose 1 to \(Self.mostFields) fields")
    var seen: Set<String> = []
    for field in fields {
      let isNew = seen.insert(field.name).inserted
      try require(isNew, "fields", field.name, "it is listed twice")
      try require(
        !format.isDelimited || field.name != label.column, "fields", field.name, "the label is no field")
      try require(!ignore.contains(field.name), "fields", field.name, "it is ignored too")
      try require(
        field.transform == nil || field.type == .numeric, "transform", field.transform?.rawValue ?? "",
        "\(field.name) is not numeric")
      try require(
        (field.pooling == nil && field.separator == nil) || field.type == .multiValued, "pooling, separator",
        field.name, "it is not multi-valued")
      try require(
        Self.byte(field.separator ?? "|") != nil, "separator", field.separator ?? "", "choose one ASCII character")
      try require(
        field.buckets == nil || field.transform == .quantile, "buckets", field.buckets ?? 0,
        "they go with `transform: quantile`")
      try require(
        2...Self.mostBuckets ~= (field.buckets ?? 10), "buckets", field.buckets ?? 0, "choose 2 to \(Self.mostBuckets)")
      switch field.missing {
      case .mean, .number:
        try require(field.type == .numeric, "missing", field.name, "only a numeric field has a mean or takes a number")
      default: break
      }
      if let other = field.vocabulary {
        try require(
          field.type != .numeric && fields.contains { $0.name == other && $0.vocabulary == nil && $0.type != .numeric },
          "vocabulary", other, "name a field of categories that has a vocabulary of its own")
      }
      try require(
        field.indices == nil || format == .libsvm || format == .libfm, "indices", field.name,
        "only libsvm and libfm have them")
      if format == .libsvm || format == .libfm {
        try require(
          field.indexRange != nil, "indices", field.indices ?? "", "give field \(field.name) a range such as 1-943")
      }
    }
    let ranges = fields.compactMap(\.indexRange).sorted { $0.lowerBound < $1.lowerBound }
    for (left, right) in zip(ranges, ranges.dropFirst()) {
      try require(left.upperBound < right.lowerBound, "indices", right, "it overlaps \(left)")
    }
    try require(
      format != .libffm, "fields", fields[0].name, "libffm's rows number their fields themselves: leave them out")
  }

  /// Between columns; nil where `separator` is no such thing.
  var separatorByte: UInt8? {
    guard let separator else { return format == .csv ? UInt8(ascii: ",") : UInt8(ascii: "\t") }
    return Self.byte(separator)
  }

  /// The character's byte; nil for what cannot separate.
  static func byte(_ text: String) -> UInt8? {
    if text == "tab" || text == "\\t" { return 9 }
    let bytes = Array(text.utf8)
    guard bytes.count == 1, bytes[0] < 128, bytes[0] != 10, bytes[0] != 13, bytes[0] != 34, bytes[0] != 0 else {
      return nil
    }
    return bytes[0]
  }
}

extension FieldSchema {
  /// `1-943`, or one index alone.
  var indexRange: ClosedRange<UInt64>? {
    let parts = (indices ?? "").split(separator: "-", omittingEmptySubsequences: false).map { UInt64($0) }
    guard let first = parts.first ?? nil, let last = parts.last ?? nil, parts.count <= 2, first <= last else {
      return nil
    }
    return first...last
  }
}
