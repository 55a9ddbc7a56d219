/// What features are called, as far as that can be known: keys of categories are hashes, whose texts a vocabulary has.
public struct FeatureNames: Sendable {
  public struct Name: Hashable, Sendable {
    /// The number of the field whose features these are.
    public var field: Int
    public var text: String
  }

  private var names: [UInt64: Name] = [:]
  private let ranges: [(indices: ClosedRange<UInt64>, field: Int)]

  /// - Parameter vocabulary: a file of `deepfm vocab build`; without it only those features have names that stand for no text.
  /// - Throws: `VocabularyError`.
  public init(_ encoding: Encoding, vocabulary: String?) throws {
    ranges = encoding.fields.enumerated().compactMap { number, field in field.indices.map { ($0, number) } }
    var names: [UInt64: Name] = [:]
    for field in Set(encoding.fields.map(\.owner)) {
      names[FeatureHash.missing(field: field)] = Name(field: field, text: "(missing)")
      names[FeatureHash.outOfVocabulary(field: field)] = Name(field: field, text: "(all others)")
      names[FeatureHash.number(field: field)] = Name(field: field, text: "(number)")
      let buckets =
        switch encoding.fields[field].rule {
        case .bucket(.logSquared): -10..<1000
        case .bucket(.quantile(let boundaries)): 0..<boundaries.count + 1
        default: 0..<0
        }
      for bucket in buckets {
        names[FeatureHash.bucket(bucket, field: field)] = Name(field: field, text: "bucket \(bucket)")
      }
    }
    if let vocabulary {
      try VocabularyFile.forEachEntry(vocabulary) { key, field, text in
        if encoding.fields.indices.contains(field) { names[key] = Name(field: field, text: text) }
      }
    }
    self.names = names
  }

  /// nil for a feature of which nobody knows more than its key.
  public subscript(key: UInt64) -> Name? {
    if let name = names[key] { return name }
    return ranges.first { $0.indices.contains(key) }.map { Name(field: $0.field, text: "\(key)") }
  }
}

extension Encoding {
  /// The key of the feature that a field's text becomes; nil where it becomes none: a number that is none, an index that is none.
  ///
  /// - Parameter field: its number.
  public func key(of text: String, field: Int) -> UInt64? {
    let rule = fields[field]
    switch rule.rule {
    case .category, .categories: return FeatureHash.key(text, field: rule.owner)
    case .index: return UInt64(text)
    case .number, .bucket:
      if missingTexts.contains(text) { return FeatureHash.missing(field: rule.owner) }
      let number = Array(text.utf8).withUnsafeBufferPointer { bytes in
        bytes.baseAddress.flatMap { NumberText.parse($0, count: bytes.count) }
      }
      return number.map { number in
        let compiled = CompiledField(rule)
        defer { compiled.deallocate() }
        return compiled.feature(of: number).key
      }
    }
  }
}
