/// Finds out how a column writes its times, from any number of its texts.
///
/// Only what is unambiguous over all of them is inferred: `03/04/2015` alone may be of March or April.
public struct TimeInference {
  private struct Candidate {
    var format: TimeFormat
    /// Whether texts say a time of day, and a zone.
    var hasTime: Bool
    var hasZone: Bool
  }

  private var candidates: [Candidate]?
  /// The first text that ended the last candidate, for messages.
  public private(set) var failure: TimeFailure?
  private var example: String?
  /// What a person says; nil: all formats are possible.
  private let known: TimeFormat?

  /// - Parameter known: the format, where it is only to be seen whether all texts are of it.
  public init(_ known: TimeFormat? = nil) { self.known = known }

  /// Takes a text. Once it was one that does not fit the others, `failure` says so.
  public mutating func add(_ text: String) { text.withSpan { add($0) } }

  /// Takes a text. Once it was one that does not fit the others, `failure` says so.
  mutating func add(_ text: ColumnSpan) {
    guard failure == nil else { return }
    guard let earlier = candidates else {
      candidates = formats(of: text).compactMap { format in
        format.read(text).map { Candidate(format: format, hasTime: $0.hasTime, hasZone: $0.hasZone) }
      }
      example = RowFailure.quote(text)
      if candidates!.isEmpty { failure = .none(text: RowFailure.quote(text)) }
      return
    }
    let left = earlier.filter { candidate in
      guard let read = candidate.format.read(text) else { return false }
      return candidate.hasTime == read.hasTime && candidate.hasZone == read.hasZone
        && (known != nil || Self.isUnit(candidate.format, of: text))
    }
    if left.isEmpty {
      let isTime = formats(of: text).contains { $0.read(text) != nil }
      failure = isTime ? .mixture(example ?? "", RowFailure.quote(text)) : .none(text: RowFailure.quote(text))
    } else {
      candidates = left
    }
  }

  /// - Throws: `TimeFailure` where the texts agree on none, or on several.
  public func format() throws(TimeFailure) -> TimeFormat {
    if let failure { throw failure }
    guard let candidates, let first = candidates.first else { throw .none(text: "nothing") }
    guard candidates.count == 1 else { throw .ambiguous(candidates.map(\.format.text), example ?? "") }
    return first.format
  }

  /// Numbers of one column count in one unit.
  private static func isUnit(_ format: TimeFormat, of text: ColumnSpan) -> Bool {
    switch format {
    case .seconds, .milliseconds, .microseconds, .nanoseconds: TimeNumber(text.trimmed)?.unit == format
    default: true
    }
  }

  /// What a text might be.
  private func formats(of text: ColumnSpan) -> [TimeFormat] {
    if let known { return [known] }
    if let number = TimeNumber(text.trimmed) { return [number.unit] }
    return [.iso, .dayFirst, .monthFirst, .monthName]
  }
}

/// Why a column's texts are no times, or nobody can say of when.
public enum TimeFailure: Error, Equatable {
  case none(text: String)
  case mixture(String, String)
  case ambiguous([String], String)

  public var reason: String {
    switch self {
    case .none(let text): "expected a time, found \(text)"
    case .mixture(let first, let text):
      "found \(text) where times before are written like \(first): with or without a zone or a time of day, in another "
        + "unit, or another order"
    case .ambiguous(let formats, let example):
      "\(example) and all others may be \(formats.joined(separator: " or "))"
    }
  }
}
