/// Labels, of rows of any format.
extension RowEncoder {
  @inline(__always)
  func label(_ span: ColumnSpan, _ scratch: Scratch) throws -> Float {
    guard readsLabels, scratch.hasLabels else { return 0 }
    if isUsualLabel, span.count == 1 {
      if span.start[0] == 48 { return 0 }
      if span.start[0] == 49 { return 1 }
    }
    return try unusualLabel(span.trimmed)
  }

  @inline(never)
  private func unusualLabel(_ span: ColumnSpan) throws -> Float {
    let number = NumberText.parse(span.start, count: span.count)
    switch encoding.label.condition {
    case .number(let comparison, let threshold):
      guard let number else { throw badLabel(span) }
      return comparison.holds(number, threshold) ? 1 : 0
    case .texts(let positive, let negative):
      if Self.holds(span, number, positive) { return 1 }
      if Self.holds(span, number, negative) { return 0 }
      // Of the others that are not listed; nothing is no label.
      guard span.count > 0, positive.isEmpty || negative.isEmpty else { throw badLabel(span) }
      return positive.isEmpty ? 1 : 0
    case .usual:
      switch number {
      case 1: return 1
      case 0, -1: return 0
      case nil: break
      default: throw badLabel(span)
      }
      guard span.count <= 5 else { throw badLabel(span) }
      switch span.text.lowercased() {
      case "true", "yes", "t", "y": return 1
      case "false", "no", "f", "n": return 0
      default: throw badLabel(span)
      }
    }
  }

  private static func holds(_ span: ColumnSpan, _ number: Double?, _ texts: [String]) -> Bool {
    texts.contains { text in
      let bytes = text.utf8
      if bytes.count == span.count, bytes.elementsEqual(UnsafeBufferPointer(start: span.start, count: span.count)) {
        return true
      }
      // 2 is 2.0.
      return number != nil && Double(text) == number
    }
  }

  private func badLabel(_ span: ColumnSpan) -> RowFailure {
    RowFailure(
      .label,
      "expected \(encoding.label.expected), found \(RowFailure.quote(span)). \(encoding.label.remedy(RowFailure.quote(span)))"
    )
  }
}
