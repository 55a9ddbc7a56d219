import Foundation

extension Encoding {
  /// In what it differs from another, with both sides; for messages.
  func difference(from other: Encoding) -> String {
    func sides(_ what: String, _ ours: Any, _ theirs: Any) -> String { "\(what) \(ours) here, \(theirs) there" }
    if format != other.format { return sides("the format is", format.rawValue, other.format.rawValue) }
    if fieldNames != other.fieldNames {
      let place = zip(fieldNames, other.fieldNames).prefix { $0 == $1 }.count
      guard place < fieldNames.count, place < other.fieldNames.count else {
        return sides("the number of fields is", fieldNames.count, other.fieldNames.count)
      }
      return sides("field \(place + 1) is", fieldNames[place], other.fieldNames[place])
    }
    if label != other.label { return sides("the label is", label.text, other.label.text) }
    if vocabulary != other.vocabulary {
      return sides("the vocabulary is", vocabulary ?? "none", other.vocabulary ?? "none")
    }
    for (ours, theirs) in zip(fields, other.fields) where ours != theirs {
      return sides("the field \(ours.name) is", ours.text, theirs.text)
    }
    return sides("the columns are", columns.prefix(8), other.columns.prefix(8))
  }
}

extension Encoding.Field {
  /// Its rules as JSON, short enough for a message.
  fileprivate var text: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let text = String(decoding: (try? encoder.encode(self)) ?? Data(), as: UTF8.self)
    return text.count > 200 ? text.prefix(199) + "…" : text
  }
}
