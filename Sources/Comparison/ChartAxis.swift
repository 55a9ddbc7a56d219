import Foundation

/// The vertical axis of a chart, with its title, four steps of grid lines and their numbers, as SVG.
struct ChartAxis {
  let left = 70
  let top = 50
  let bottom = 300
  private let from: Double
  private let to: Double
  private let isCut: Bool

  /// - Parameters:
  ///   - marks: what there is to see, each with half the length of its error bar; those that are no numbers are left out.
  ///   - startsAtZero: else the axis is cut to the marks, and says so.
  init(_ marks: [(value: Double, error: Double)], startsAtZero: Bool) {
    let ends = marks.flatMap { [$0.value - $0.error, $0.value + $0.error] }.filter(\.isFinite)
    let (low, high) = (ends.min() ?? 0, ends.max() ?? 1)
    let margin = max((high - low) * 0.15, abs(high) * 1e-3, 1e-9)
    from = startsAtZero ? 0 : low - margin
    to = high + margin
    isCut = !startsAtZero && from * to > 0
  }

  /// Where zero is; nil for an axis that lacks it.
  var zero: Double? { from <= 0 && to >= 0 ? y(0) : nil }

  /// Where a value is.
  func y(_ value: Double) -> Double { Double(bottom) - (value - from) / (to - from) * Double(bottom - top) }

  /// The chart's opening: its page, its title, and the axis.
  ///
  /// - Parameters:
  ///   - right: where grid lines end.
  ///   - name: what the axis measures.
  func svg(width: Int, right: Int, title: String, name: String) -> [String] {
    var lines = [
      #"<svg xmlns="http://www.w3.org/2000/svg" width="\#(width)" height="360" font-family="sans-serif" font-size="12">"#,
      #"<rect width="100%" height="100%" fill="white"/>"#,
      #"<text x="\#(left)" y="24" font-size="15">\#(title.escapedForXML)</text>"#,
      #"<text x="14" y="\#(top - 10)">\#(name.escapedForXML)\#(isCut ? " (axis cut)" : "")</text>"#,
    ]
    for tick in 0...4 {
      let value = from + (to - from) * Double(tick) / 4
      let height = y(value).inSVG
      lines.append(#"<line x1="\#(left)" x2="\#(right)" y1="\#(height)" y2="\#(height)" stroke="lightgray"/>"#)
      lines.append(
        #"<text x="\#(left - 6)" y="\#(height)" text-anchor="end" dy="4">\#(String(format: "%.4f", value))</text>"#)
    }
    return lines
  }
}

extension Double {
  /// A length with one decimal.
  var inSVG: String { String(format: "%.1f", self) }
}

extension String {
  var escapedForXML: String {
    replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
  }
}
