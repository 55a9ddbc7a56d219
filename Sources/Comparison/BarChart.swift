import Foundation

/// Bars with error bars, as SVG. The axis is cut to the range of the data, and says so, unless it is to start at zero.
public struct BarChart {
  public struct Bar: Hashable, Sendable {
    public var label: String
    public var value: Double
    /// Half the length of the error bar; 0 for none.
    public var error: Double

    public init(label: String, value: Double, error: Double) {
      self.label = label
      self.value = value
      self.error = error
    }
  }

  public var title: String
  public var axis: String
  public var bars: [Bar]
  public var startsAtZero: Bool

  public init(title: String, axis: String, bars: [Bar], startsAtZero: Bool = false) {
    self.title = title
    self.axis = axis
    self.bars = bars
    self.startsAtZero = startsAtZero
  }

  public func svg() -> String {
    let (width, height, left, bottom, top) = (80 + 54 * max(1, bars.count), 360, 70, 300, 50)
    let low = bars.map { $0.value - $0.error }.min() ?? 0
    let high = bars.map { $0.value + $0.error }.max() ?? 1
    let margin = max((high - low) * 0.15, abs(high) * 1e-3, 1e-9)
    let (from, to) = (startsAtZero ? 0 : low - margin, high + margin)
    func y(_ value: Double) -> String {
      String(format: "%.1f", Double(bottom) - (value - from) / (to - from) * Double(bottom - top))
    }
    var lines = [
      #"<svg xmlns="http://www.w3.org/2000/svg" width="\#(width)" height="\#(height)" font-family="sans-serif" font-size="12">"#,
      #"<rect width="100%" height="100%" fill="white"/>"#,
      #"<text x="\#(left)" y="24" font-size="15">\#(title.escapedForXML)</text>"#,
      #"<text x="14" y="\#(top - 10)">\#(axis.escapedForXML)\#(startsAtZero ? "" : " (axis cut)")</text>"#,
    ]
    for tick in 0...4 {
      let value = from + (to - from) * Double(tick) / 4
      lines.append(#"<line x1="\#(left)" x2="\#(width - 10)" y1="\#(y(value))" y2="\#(y(value))" stroke="lightgray"/>"#)
      lines.append(
        #"<text x="\#(left - 6)" y="\#(y(value))" text-anchor="end" dy="4">\#(String(format: "%.4f", value))</text>"#)
    }
    for (number, bar) in bars.enumerated() {
      let x = left + 10 + number * 54
      let center = x + 19
      let length = String(format: "%.1f", Double(bottom) - Double(y(bar.value))!)
      lines.append(#"<rect x="\#(x)" y="\#(y(bar.value))" width="38" height="\#(length)" fill="steelblue"/>"#)
      if bar.error > 0 {
        let (above, below) = (y(bar.value + bar.error), y(bar.value - bar.error))
        lines.append(
          #"<path d="M\#(center) \#(above)V\#(below)M\#(center - 6) \#(above)h12M\#(center - 6) \#(below)h12" stroke="black"/>"#
        )
      }
      lines.append(
        #"<text transform="translate(\#(center + 4) \#(bottom + 12)) rotate(-40)" text-anchor="end">\#(bar.label.escapedForXML)</text>"#
      )
    }
    lines.append(#"<line x1="\#(left)" x2="\#(width - 10)" y1="\#(bottom)" y2="\#(bottom)" stroke="black"/>"#)
    lines.append("</svg>")
    return lines.joined(separator: "\n") + "\n"
  }
}
