/// What one reading-through of some files found: where their rows are, which are bad, and what the training data's
/// encoding needs to know.
///
/// A cluster whose workers have files of their own surveys each worker's and merges what they found.
public struct DatasetSurvey: Codable, Sendable {
  public enum Purpose {
    /// Training data: columns and statistics are to be learnt.
    case learn(Schema)
    /// Data that are encoded as others are.
    case known(Encoding)

    var encoding: Encoding? { if case .known(let encoding) = self { encoding } else { nil } }

    /// The encoding that is known, or what is learnt.
    func encoding(learning learn: (Schema) throws -> Encoding) rethrows -> Encoding {
      switch self {
      case .known(let encoding): encoding
      case .learn(let schema): try learn(schema)
      }
    }
  }

  public var files: [DatasetIndex.File]
  public var chunks: [Chunk]
  public var positives: Int
  var firstBadRow: String?
  /// Rows without a click that were left out.
  var sampledOut: Int? = nil
  /// What a person should know of the files, a sentence each.
  var remarks: [String]? = nil
  /// With neutral statistics.
  var encoding: Encoding
  /// By field.
  var statistics: [Int: FieldStatistics]
  /// The file that the encoding was learnt from, for messages.
  var origin: String

  /// Reads through the files.
  ///
  /// - Throws: `DatasetError`, or `SchemaError` where the schema does not fit.
  public static func run(_ names: [String], _ purpose: Purpose, _ reading: ReadingOptions) throws -> DatasetSurvey {
    let named = try DataFiles.find(names)
    let spool = Spool(directory: reading.spool, layout: TextLayout(purpose)) { try reading.progress?(0, 1) }
    let sources = try named.flatMap { try spool.seekable($0) }
    let inputs = try sources.map { try InputFile(path: $0.path, name: $0.file.name) }
    let packs = try inputs.enumerated().map { try PackedFile.isPacked($1) ? try PackedFile($1, number: $0) : nil }
    let layouts = try FileLayouts(sources, inputs, packs, purpose, wantsLabels: reading.labels)
    var survey = DatasetSurvey(
      files: sources.indices.map { number in
        .init(
          name: inputs[number].name, path: sources[number].path, isPacked: packs[number] != nil,
          columns: layouts.columns[number])
      },
      chunks: [], positives: 0, encoding: layouts.encoding, statistics: [:], origin: inputs[layouts.first].name)
    var wanted = [Int]()
    var ranges = [Int]()
    if case .learn = purpose, !packs.contains(where: { $0 != nil }) {
      let fields = survey.encoding.fields
      wanted = fields.indices.filter { fields[$0].needsStatistics }
      ranges = fields.indices.filter { fields[$0].needsRange }
    }
    if case .skip(let limit) = reading.badRows, limit < .max { try BadRowShare.check(survey, inputs) }
    let total = try inputs.reduce(0) { try $0 + $1.size() }
    let chunkBytes = reading.chunkBytes ?? min(max(total / 128, 4 << 10), 1 << 20)
    let pass = SurveyPass(
      encoder: RowEncoder(wanted.isEmpty && ranges.isEmpty ? survey.encoding : survey.encoding.plain), inputs: inputs,
      files: survey.files, statistics: wanted, ranges: ranges, badRows: reading.badRows, sampling: reading.sampling,
      threads: reading.threads)
    do {
      try survey.scan(inputs, packs, layouts, chunkBytes, pass) { try reading.progress?($0, total) }
    } catch {
      pass.abandon()
      throw error
    }
    let found = try pass.finish()
    survey.chunks = found.chunks
    survey.positives = found.positives
    survey.statistics = found.statistics
    if survey.rows == 0, let first = inputs.first { throw DatasetError.empty(file: first.name) }
    survey.firstBadRow = found.firstBadRow
    survey.sampledOut = found.sampledOut > 0 ? found.sampledOut : nil
    survey.remark(found, wantsLabels: reading.labels)
    if found.badLabels > 0, survey.positives == 0 || survey.positives == survey.rows {
      throw DatasetError.badLabels(rows: found.badLabels, left: survey.rows, first: found.firstBadRow ?? "")
    }
    return survey
  }

  /// Hands out the chunks of all files.
  private mutating func scan(
    _ inputs: [InputFile], _ packs: [PackedFile?], _ layouts: FileLayouts, _ chunkBytes: Int, _ pass: SurveyPass,
    progress: (Int) throws -> Void
  ) throws {
    var (done, repeated) = (0, 0)
    var empty: [String] = []
    for (number, input) in inputs.enumerated() {
      var records = 0
      let take = { (chunk: Chunk) throws in
        records += chunk.rows
        try pass.check(chunk)
      }
      if let pack = packs[number] {
        files[number].checksum = pack.checksum
        for chunk in pack.chunks {
          try take(chunk)
          try progress(done + chunk.offset)
        }
      } else {
        var scanner = LineScanner(
          file: number, name: input.name, chunkBytes: chunkBytes, header: layouts.headers[number],
          scan: RecordScan(separator: encoding.separator, hasQuotes: encoding.hasQuotes))
        try scanner.scan(input, take: take) { try progress(done + $0) }
        files[number].checksum = scanner.checksum
        repeated += scanner.repeatedHeaders
      }
      done += try input.size()
      if records == 0 { empty.append(input.name) }
    }
    remark(empty: empty, of: inputs.count, repeatedHeaders: repeated)
  }

  private mutating func remark(empty: [String], of files: Int, repeatedHeaders: Int) {
    var remarks: [String] = []
    if !empty.isEmpty {
      remarks.append(
        "\(empty.count) of \(files) files \(empty.count == 1 ? "has" : "have") no rows: "
          + empty.prefix(3).joined(separator: ", ") + (empty.count > 3 ? ", …" : ""))
    }
    if repeatedHeaders > 0 {
      remarks.append("the header stands \(repeatedHeaders) more times among the rows, and is left out there")
    }
    self.remarks = remarks.isEmpty ? nil : remarks
  }

  /// What is to be said of rows of one class; nil of others.
  static func oneClass(positives: Int, of rows: Int) -> String? {
    guard positives == 0 || positives == rows else { return nil }
    let label = positives == 0 ? 0 : 1
    return "all \(rows) rows have the label \(label): there is no AUC of one class, and nothing to learn from it"
  }

  private mutating func remark(_ found: SurveyPass.Found, wantsLabels: Bool) {
    var remarks = remarks ?? []
    if wantsLabels, let remark = Self.oneClass(positives: positives, of: rows) { remarks.append(remark) }
    if found.sampledOut > 0 {
      let negatives = rows - positives
      remarks.append(
        "of \(negatives + found.sampledOut) rows without a click \(negatives) are kept, by their draws; predictions are corrected for it"
      )
    }
    if found.outside > 0 {
      remarks.append(
        "numbers that lie further outside of what the training data had than those reach count as the nearest that does not: "
          + "\(found.outside) of them")
    }
    self.remarks = remarks.isEmpty ? nil : remarks
  }

  /// The index, with the encoding complete.
  ///
  /// - Parameter schema: that of training data, whose statistics are then part of the encoding.
  public func index(_ schema: Schema?) -> DatasetIndex {
    var encoding = encoding
    for (field, var statistics) in statistics {
      let buckets = schema?.fields?.first { $0.name == encoding.fields[field].name }?.buckets ?? 10
      statistics.complete(&encoding.fields[field], buckets: buckets)
    }
    let remarks = (remarks ?? []) + (schema == nil ? [] : encoding.fields.compactMap(\.remark))
    var index = DatasetIndex(
      encoding: encoding, files: files, chunks: chunks, rows: chunks.reduce(0) { $0 + $1.rows }, positives: positives,
      firstBadRow: firstBadRow, remarks: remarks.isEmpty ? nil : remarks)
    index.sampledOut = sampledOut
    return index
  }
}
