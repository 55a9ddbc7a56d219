/// Lines over named values of a setting, one a model, with error bars, as SVG. The axis is cut to the range of the data.
public struct LineChart {
  public struct Line: Hashable, Sendable {
    public var label: String
    /// One a place on the horizontal axis.
    public var points: [Sample]

    public init(label: String, points: [Sample]) {
      self.label = label
      self.points = points
    }
  }

  public var title: String
  public var axis: String
  public var places: [String]
  public var lines: [Line]

  public init(title: String, axis: String, places: [String], lines: [Line]) {
    self.title = title
    self.axis = axis
    self.places = places
    self.lines = lines
  }

  private static let colours = ["steelblue", "darkorange", "seagreen", "firebrick", "purple", "saddlebrown", "gray"]

  public func svg() -> String {
    let step = 90
    let axis = ChartAxis(lines.flatMap(\.points).map { ($0.mean, $0.deviation) }, startsAtZero: false)
    let right = axis.left + step * max(1, places.count)
    var svg = axis.svg(width: right + 130, right: right, title: title, name: self.axis)
    func x(_ place: Int) -> Int { axis.left + step / 2 + place * step }
    for (place, label) in places.enumerated() {
      svg.append(
        #"<text x="\#(x(place))" y="\#(axis.bottom + 20)" text-anchor="middle">\#(label.escapedForXML)</text>"#)
    }
    for (number, line) in lines.enumerated() {
      let colour = Self.colours[number % Self.colours.count]
      let path = line.points.enumerated().map { "\(x($0.offset)),\(axis.y($0.element.mean).inSVG)" }
      svg.append(
        #"<polyline points="\#(path.joined(separator: " "))" fill="none" stroke="\#(colour)" stroke-width="2"/>"#)
      for (place, point) in line.points.enumerated() {
        svg.append(#"<circle cx="\#(x(place))" cy="\#(axis.y(point.mean).inSVG)" r="3" fill="\#(colour)"/>"#)
        if point.deviation > 0 {
          let (above, below) = (axis.y(point.mean + point.deviation), axis.y(point.mean - point.deviation))
          svg.append(#"<path d="M\#(x(place)) \#(above.inSVG)V\#(below.inSVG)" stroke="\#(colour)"/>"#)
        }
      }
      svg.append(
        #"<text x="\#(right + 10)" y="\#(axis.top + 16 * number)" fill="\#(colour)">\#(line.label.escapedForXML)</text>"#
      )
    }
    svg.append("</svg>")
    return svg.joined(separator: "\n") + "\n"
  }
}
