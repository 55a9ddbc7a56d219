import Foundation
import Run

/// Numbers as people read them; "-" where there is none.
enum Format {
  static func fixed(_ number: Double?, _ digits: Int) -> String {
    guard let number, number.isFinite else { return "-" }
    return String(format: "%.\(digits)f", number)
  }

  /// Whole, with commas between thousands.
  static func count(_ number: Double) -> String { Int(exactly: number.rounded())?.grouped ?? "-" }

  static func duration(_ seconds: Double) -> String {
    guard let whole = Int(exactly: seconds.rounded()) else { return "-" }
    return whole >= 3600
      ? String(format: "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60)
      : String(format: "%d:%02d", whole / 60, whole % 60)
  }
}
