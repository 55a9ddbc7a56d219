/// Bars with error bars, as SVG. The axis is cut to the range of the data, and says so, unless it is to start at zero or has it in
/// its middle, where bars begin then.
public struct BarChart {
  public struct Bar: Hashable, Sendable {
    public var label: String
    public var value: Double
    /// Where the error bar ends; the value where there is none.
    public var low: Double
    public var high: Double

    /// - Parameter error: half the length of the error bar; 0 for none.
    public init(label: String, value: Double, error: Double) {
      self.init(label: label, value: value, low: value - error, high: value + error)
    }

    public init(label: String, value: Double, low: Double, high: Double) {
      (self.label, self.value, self.low, self.high) = (label, value, low, high)
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
    let width = 80 + 54 * max(1, bars.count)
    let axis = ChartAxis(bars.map { (($0.low + $0.high) / 2, ($0.high - $0.low) / 2) }, startsAtZero: startsAtZero)
    var lines = axis.svg(width: width, right: width - 10, title: title, name: self.axis)
    let zero = axis.zero ?? Double(axis.bottom)
    for (number, bar) in bars.enumerated() {
      let x = axis.left + 10 + number * 54
      let center = x + 19
      let y = axis.y(bar.value)
      lines.append(
        #"<rect x="\#(x)" y="\#(min(y, zero).inSVG)" width="38" height="\#(abs(zero - y).inSVG)" fill="steelblue"/>"#)
      if bar.high > bar.low {
        let (above, below) = (axis.y(bar.high).inSVG, axis.y(bar.low).inSVG)
        lines.append(
          #"<path d="M\#(center) \#(above)V\#(below)M\#(center - 6) \#(above)h12M\#(center - 6) \#(below)h12" stroke="black"/>"#
        )
      }
      lines.append(
        #"<text transform="translate(\#(center + 4) \#(axis.bottom + 12)) rotate(-40)" text-anchor="end">\#(bar.label.escapedForXML)</text>"#
      )
    }
    lines.append(
      #"<line x1="\#(axis.left)" x2="\#(width - 10)" y1="\#(zero.inSVG)" y2="\#(zero.inSVG)" stroke="black"/>"#)
    lines.append("</svg>")
    return lines.joined(separator: "\n") + "\n"
  }
}
