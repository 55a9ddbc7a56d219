import CXXHash
import Glibc

/// Rows of columns between separators.
extension RowEncoder {
  @inline(__always)
  func encodeColumns(
    _ row: UnsafePointer<UInt8>, count: Int, _ scratch: Scratch, into buffer: inout EntryBuffer
  ) throws {
    let spans = scratch.spans
    if encoding.hasQuotes { scratch.reserveUnquoted(count) }
    let found = try self.spans.find(
      in: row, count: count, columns: scratch.columns, spans: spans, unquoted: scratch.unquoted)
    guard found == scratch.columns else { throw wrongColumns(found) }
    let label = try self.label(spans[encoding.labelColumn])
    for number in 0..<fieldCount {
      let field = fields + number
      let span = spans[field.pointee.column]
      if isMissing(span) {
        try appendMissing(field, number, into: &buffer)
      } else {
        switch field.pointee.kind {
        case .category:
          let key = XXH3_64bits_withSeed(span.start, span.count, field.pointee.seed)
          buffer.append(known(key, field), 1)
        case .categories:
          try appendCategories(span, field, number, into: &buffer)
        default:
          guard let value = NumberText.parse(span.start, count: span.count) else { throw notNumber(span, number) }
          let feature = field.pointee.feature(of: value)
          buffer.append(feature.key, feature.value)
        }
      }
      buffer.endCell()
    }
    buffer.endRow(label: label)
  }

  @inline(__always)
  func isMissing(_ span: ColumnSpan) -> Bool {
    if onlyEmptyIsMissing { return span.count == 0 }
    return missingTexts.contains { $0.count == span.count && memcmp($0, span.start, span.count) == 0 }
  }

  /// The key, or that of all other values where the vocabulary does not have it.
  @inline(__always)
  func known(_ key: UInt64, _ field: UnsafeMutablePointer<CompiledField>) -> UInt64 {
    guard let vocabulary else { return key }
    return vocabulary.contains(key) ? key : field.pointee.otherKey
  }

  private func appendMissing(
    _ field: UnsafeMutablePointer<CompiledField>, _ number: Int, into buffer: inout EntryBuffer
  ) throws {
    switch field.pointee.missing {
    case .own: buffer.append(field.pointee.missingKey, 1)
    case .skip: break
    case .fail:
      throw RowFailure(
        "\(encoding.fields[number].name): the value is missing. Correct or remove the row, or choose another rule than `missing: fail`"
      )
    case .number:
      let feature = field.pointee.feature(of: field.pointee.substitute)
      buffer.append(feature.key, feature.value)
    }
  }

  private func appendCategories(
    _ span: ColumnSpan, _ field: UnsafeMutablePointer<CompiledField>, _ number: Int, into buffer: inout EntryBuffer
  ) throws {
    let first = buffer.entries
    var start = 0
    for position in 0...span.count {
      guard position == span.count || span.start[position] == field.pointee.separator else { continue }
      let value = ColumnSpan(span.start + start, count: position - start)
      start = position + 1
      if isMissing(value) { continue }
      let key = XXH3_64bits_withSeed(value.start, value.count, field.pointee.seed)
      buffer.append(known(key, field), 1)
    }
    let values = buffer.entries - first
    if values == 0 { return try appendMissing(field, number, into: &buffer) }
    guard field.pointee.isMean, values > 1 else { return }
    for entry in first..<buffer.entries { buffer.values[entry] = 1 / Float(values) }
  }

  private func wrongColumns(_ found: Int) -> RowFailure {
    let between = encoding.separator == 9 ? "tab-separated " : encoding.separator == 44 ? "comma-separated " : ""
    return RowFailure(
      "expected \(encoding.columns.count) \(between)columns, found \(found). Correct or remove the row, or choose another --schema"
    )
  }

  private func notNumber(_ span: ColumnSpan, _ field: Int) -> RowFailure {
    RowFailure(
      "\(encoding.fields[field].name): expected a number or nothing, found \(RowFailure.quote(span)). Correct or remove the row"
    )
  }
}

/// Labels, of rows of any format.
extension RowEncoder {
  @inline(__always)
  func label(_ span: ColumnSpan) throws -> Float {
    guard readsLabels else { return 0 }
    if encoding.label.comparison == nil, span.count == 1 {
      if span.start[0] == 48 { return 0 }
      if span.start[0] == 49 { return 1 }
    }
    return try unusualLabel(span)
  }

  @inline(never)
  private func unusualLabel(_ span: ColumnSpan) throws -> Float {
    guard let number = NumberText.parse(span.start, count: span.count) else { throw badLabel(span) }
    if let comparison = encoding.label.comparison {
      return comparison.holds(number, encoding.label.threshold) ? 1 : 0
    }
    switch number {
    case 1: return 1
    case 0, -1: return 0
    default: throw badLabel(span)
    }
  }

  private func badLabel(_ span: ColumnSpan) -> RowFailure {
    let expected = encoding.label.comparison == nil ? "the label 1, 0 or -1" : "a number for `\(encoding.label.text)`"
    return RowFailure("expected \(expected), found \(RowFailure.quote(span)). Correct or remove the row")
  }
}
