extension DatasetSurvey {
  public var rows: Int { chunks.reduce(0) { $0 + $1.rows } }

  /// One survey of what several workers found in files of their own. Files of the same name are copies of one.
  ///
  /// - Parameter found: by worker; nil for one that has none of the files.
  /// - Returns: the survey, in the order of the files' names, and for each file the workers that have it.
  /// - Throws: `DatasetError` where copies differ, or files are of different layouts.
  public static func merge(
    _ found: [DatasetSurvey?], schema: Schema
  ) throws -> (survey: DatasetSurvey, holders: [[Int]])? {
    guard var merged = found.compactMap({ $0 }).first else { return nil }
    merged.encoding = try encoding(found.compactMap { $0 }, schema)
    merged.files = []
    // Files that several have are counted once a copy.
    merged.sampledOut = nil
    merged.chunks = []
    merged.positives = 0
    merged.remarks = nil
    merged.statistics = [:]
    let names = Set(found.compactMap { $0?.files.map(\.baseName) }.joined()).sorted()
    var holders: [[Int]] = []
    // By worker: the number in all the data of each of its chunks that count.
    var numbers = found.map { [Int?](repeating: nil, count: $0?.chunks.count ?? 0) }
    for name in names {
      var first: (chunks: [Chunk], file: DatasetIndex.File)?
      holders.append([])
      for (worker, survey) in found.enumerated() {
        guard let survey else { continue }
        let files = survey.files.indices.filter { survey.files[$0].baseName == name }
        guard let file = files.first else { continue }
        guard files.count == 1 else { throw DatasetError.sameName(file: name) }
        holders[holders.count - 1].append(worker)
        let places = survey.chunks.indices.filter { survey.chunks[$0].file == file }
        if let first {
          // Copies may be cut into other chunks, since a worker cuts by the size of all it has.
          guard survey.files[file].checksum == first.file.checksum,
            places.reduce(0, { $0 + survey.chunks[$1].rows }) == first.chunks.reduce(0, { $0 + $1.rows })
          else { throw DatasetError.differentCopies(file: name) }
          continue
        }
        for (offset, place) in places.enumerated() { numbers[worker][place] = merged.chunks.count + offset }
        let chunks = places.map { place in
          var chunk = survey.chunks[place]
          chunk.file = merged.files.count
          return chunk
        }
        first = (chunks, survey.files[file])
      }
      guard let first else { continue }
      merged.files.append(
        .init(
          name: name, path: "", isPacked: first.file.isPacked, checksum: first.file.checksum,
          columns: first.file.columns))
      merged.chunks += first.chunks
    }
    for (worker, survey) in found.enumerated() {
      guard let survey else { continue }
      merged.firstBadRow = merged.firstBadRow ?? survey.firstBadRow
      for (field, statistics) in survey.statistics {
        merged.statistics[field, default: FieldStatistics()].merge(statistics, chunks: numbers[worker])
      }
    }
    // How many clicks there are nobody knows, since copies count more than once; but whether all rows are of one class.
    let surveys = found.compactMap { $0 }
    if surveys.allSatisfy({ $0.positives == 0 }) || surveys.allSatisfy({ $0.positives == $0.rows }) {
      let positives = surveys[0].positives == 0 ? 0 : merged.rows
      merged.remarks = Self.oneClass(positives: positives, of: merged.rows).map { [$0] }
    }
    return (merged, holders)
  }

  private static func encoding(_ surveys: [DatasetSurvey], _ schema: Schema) throws -> Encoding {
    let first = surveys[0]
    if first.encoding.format == .libffm || first.encoding.leavesOutUnknown {
      // Each worker saw some of the fields.
      let ranges = surveys.compactMap(\.numbers)
      var layout = LearntLayout()
      if let lower = ranges.map(\.lowerBound).min(), let upper = ranges.map(\.upperBound).max() {
        layout.numbers = lower...upper
        return try schema.encoding(for: layout, file: first.origin)
      }
    }
    for other in surveys where other.encoding != first.encoding {
      throw DatasetError.differentHeader(file: other.origin, first: first.origin)
    }
    return first.encoding
  }

  /// libsvm: the indices seen; libffm: the fields' numbers.
  private var numbers: ClosedRange<UInt64>? {
    guard !encoding.fields.isEmpty else { return nil }
    if encoding.format == .libffm {
      return UInt64(encoding.firstField)...UInt64(encoding.firstField + encoding.fields.count - 1)
    }
    let ranges = encoding.fields.compactMap(\.indices)
    guard let first = ranges.first, let last = ranges.last else { return nil }
    return first.lowerBound...last.upperBound
  }
}
