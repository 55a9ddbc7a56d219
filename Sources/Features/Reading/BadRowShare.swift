/// Looks at the first rows before any are skipped: where many of them are bad, it is not they that are wrong.
enum BadRowShare {
  private static let rows = 1000
  /// Of the rows looked at.
  private static let most = 0.05
  /// Bad rows that any data may have.
  private static let few = 5

  /// - Throws: `DatasetError.mostlyBad`.
  static func check(_ survey: DatasetSurvey, _ inputs: [InputFile]) throws {
    let encoder = RowEncoder(survey.encoding)
    let scratch = RowEncoder.Scratch(encoder)
    for (number, input) in inputs.enumerated() where !survey.files[number].isPacked {
      let header = survey.encoding.hasHeader ? 1 : 0
      let records = try FirstRecords.read(input, count: rows + header, scan: encoder.scan).dropFirst(header)
      guard !records.isEmpty else { continue }
      var failures: [RowFailure.Kind: (count: Int, first: RowFailure)] = [:]
      var bad = 0
      for record in records {
        try record.withUnsafeBytes { bytes in
          _ = try encoder.encode(bytes, of: survey.files[number].columns, in: scratch) { _, _, failure in
            bad += 1
            failures[failure.kind, default: (0, failure)].count += 1
          }
        }
      }
      if bad > few, Double(bad) > most * Double(records.count),
        let worst = failures.values.max(by: { $0.count < $1.count })
      {
        throw DatasetError.mostlyBad(
          file: input.name, bad: bad, of: records.count, same: worst.count, reason: worst.first.reason)
      }
      return
    }
  }
}
