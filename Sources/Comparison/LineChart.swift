import Foundation

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
    let (left, top, bottom, step) = (70, 50, 290, 90)
    let width = left + step * max(1, places.count) + 130
    let points = lines.flatMap(\.points)
    let low = points.map { $0.mean - $0.deviation }.min() ?? 0
    let high = points.map { $0.mean + $0.deviation }.max() ?? 1
    let margin = max((high - low) * 0.1, abs(high) * 1e-3, 1e-9)
    let (from, to) = (low - margin, high + margin)
    func y(_ value: Double) -> String {
      String(format: "%.1f", Double(bottom) - (value - from) / (to - from) * Double(bottom - top))
    }
    func x(_ place: Int) -> Int { left + step / 2 + place * step }
    var svg = [
      #"<svg xmlns="http://www.w3.org/2000/svg" width="\#(width)" height="340" font-family="sans-serif" font-size="12">"#,
      #"<rect width="100%" height="100%" fill="white"/>"#,
      #"<text x="\#(left)" y="24" font-size="15">\#(title.escapedForXML)</text>"#,
      #"<text x="14" y="\#(top - 10)">\#(axis.escapedForXML) (axis cut)</text>"#,
    ]
    for tick in 0...4 {
      let value = from + (to - from) * Double(tick) / 4
      svg.append(#"<line x1="\#(left)" x2="\#(width - 130)" y1="\#(y(value))" y2="\#(y(value))" stroke="lightgray"/>"#)
      svg.append(
        #"<text x="\#(left - 6)" y="\#(y(value))" text-anchor="end" dy="4">\#(String(format: "%.4f", value))</text>"#)
    }
    for (place, label) in places.enumerated() {
      svg.append(#"<text x="\#(x(place))" y="\#(bottom + 20)" text-anchor="middle">\#(label.escapedForXML)</text>"#)
    }
    for (number, line) in lines.enumerated() {
      let colour = Self.colours[number % Self.colours.count]
      let path = line.points.enumerated().map { "\(x($0.offset)),\(y($0.element.mean))" }.joined(separator: " ")
      svg.append(#"<polyline points="\#(path)" fill="none" stroke="\#(colour)" stroke-width="2"/>"#)
      for (place, point) in line.points.enumerated() {
        svg.append(#"<circle cx="\#(x(place))" cy="\#(y(point.mean))" r="3" fill="\#(colour)"/>"#)
        if point.deviation > 0 {
          let (above, below) = (y(point.mean + point.deviation), y(point.mean - point.deviation))
          svg.append(#"<path d="M\#(x(place)) \#(above)V\#(below)" stroke="\#(colour)"/>"#)
        }
      }
      let height = top + 16 * number
      svg.append(
        #"<text x="\#(width - 120)" y="\#(height)" fill="\#(colour)">\#(line.label.escapedForXML)</text>"#)
    }
    svg.append("</svg>")
    return svg.joined(separator: "\n") + "\n"
  }
}

extension String {
  var escapedForXML: String {
    replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
  }
}
