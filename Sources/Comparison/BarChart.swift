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
    let width = 80 + 54 * max(1, bars.count)
    let axis = ChartAxis(bars.map { ($0.value, $0.error) }, startsAtZero: startsAtZero)
    var lines = axis.svg(width: width, right: width - 10, title: title, name: self.axis)
    for (number, bar) in bars.enumerated() {
      let x = axis.left + 10 + number * 54
      let center = x + 19
      let y = axis.y(bar.value)
      lines.append(
        #"<rect x="\#(x)" y="\#(y.inSVG)" width="38" height="\#((Double(axis.bottom) - y).inSVG)" fill="steelblue"/>"#)
      if bar.error > 0 {
        let (above, below) = (axis.y(bar.value + bar.error).inSVG, axis.y(bar.value - bar.error).inSVG)
        lines.append(
          #"<path d="M\#(center) \#(above)V\#(below)M\#(center - 6) \#(above)h12M\#(center - 6) \#(below)h12" stroke="black"/>"#
        )
      }
      lines.append(
        #"<text transform="translate(\#(center + 4) \#(axis.bottom + 12)) rotate(-40)" text-anchor="end">\#(bar.label.escapedForXML)</text>"#
      )
    }
    lines.append(
      #"<line x1="\#(axis.left)" x2="\#(width - 10)" y1="\#(axis.bottom)" y2="\#(axis.bottom)" stroke="black"/>"#)
    lines.append("</svg>")
    return lines.joined(separator: "\n") + "\n"
  }
}
