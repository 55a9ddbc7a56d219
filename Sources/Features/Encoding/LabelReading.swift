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
    if let isClick = encoding.label.isClick(span) { return isClick ? 1 : 0 }
    throw RowFailure(.label, encoding.label.failure(RowFailure.quote(span)))
  }
}

extension LabelRule {
  /// Whether a text says that there was a click; nil where it says neither.
  public func isClick(_ text: String) -> Bool? { text.withSpan { isClick($0.trimmed) } }

  /// - Parameter span: without blanks around.
  func isClick(_ span: ColumnSpan) -> Bool? {
    let number = NumberText.parse(span.start, count: span.count)
    switch condition {
    case .number(let comparison, let threshold): return number.map { comparison.holds($0, threshold) }
    case .texts(let positive, let negative):
      if Self.holds(span, number, positive) { return true }
      if Self.holds(span, number, negative) { return false }
      // Of the others that are not listed; nothing is no label.
      guard span.count > 0, positive.isEmpty || negative.isEmpty else { return nil }
      return positive.isEmpty
    case .usual:
      if let number { return number == 1 ? true : number == 0 || number == -1 ? false : nil }
      guard span.count <= 5 else { return nil }
      switch span.text.lowercased() {
      case "true", "yes", "t", "y": return true
      case "false", "no", "f", "n": return false
      default: return nil
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
}
