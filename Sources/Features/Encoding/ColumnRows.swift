import CXXHash
import Glibc

/// Rows of columns between separators.
extension RowEncoder {
  @inline(__always)
  func encodeColumns(
    _ row: UnsafePointer<UInt8>, count: Int, _ scratch: Scratch, into buffer: inout EntryBuffer
  ) throws {
    let spans = try columns(of: row, count: count, scratch)
    let label = try self.label(spans[encoding.labelColumn], scratch)
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
          let value = field.pointee.limited(try self.number(span, number))
          if value.isOutside { buffer.outside &+= 1 }
          let feature = field.pointee.feature(of: value.number)
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

  @inline(__always)
  private func number(_ span: ColumnSpan, _ field: Int) throws -> Double {
    if let value = NumberText.parse(span.start, count: span.count) { return value }
    // Some pad their numbers.
    let inner = span.trimmed
    guard inner.count < span.count, let value = NumberText.parse(inner.start, count: inner.count) else {
      throw notNumber(span, field)
    }
    return value
  }

  private func notNumber(_ span: ColumnSpan, _ field: Int) -> RowFailure {
    RowFailure(
      .number,
      "\(encoding.fields[field].name): expected a number or nothing, found \(RowFailure.quote(span)). Correct or remove the row"
    )
  }
}
