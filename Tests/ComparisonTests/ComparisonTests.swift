import DeepFM
import Foundation
import Testing

@testable import Comparison

struct ComparisonTests {
  @Test("The incomplete beta function has scipy's values")
  func beta() {
    let cases: [(x: Double, a: Double, b: Double, value: Double)] = [
      (0.3, 2, 0.5, 0.03784096948581308), (0.9, 2, 0.5, 0.5414697392755851), (0.01, 30, 0.5, 1.0307815466209114e-61),
      (0.999, 0.5, 0.5, 0.9798649583666235), (0.5, 4.2, 0.5, 0.01894652734938467),
    ]
    for (x, a, b, value) in cases { #expect(abs(incompleteBeta(x, a, b) / value - 1) < 1e-12) }
    #expect(incompleteBeta(0, 2, 3) == 0 && incompleteBeta(1, 2, 3) == 1)
  }

  @Test("Welch's test has scipy's p-values, and none where it is not defined")
  func welch() throws {
    let a = Sample([0.80, 0.81, 0.79, 0.805])
    let b = Sample([0.79, 0.795, 0.78])
    #expect(abs(try #require(a.welchTest(against: b)) - 0.09237659709567828) < 1e-12)
    #expect(a.welchTest(against: b) == b.welchTest(against: a))
    let far = try #require(
      Sample([0.8, 0.8001, 0.8002, 0.7999, 0.8]).welchTest(against: Sample([0.75, 0.7501, 0.7499, 0.75, 0.7502])))
    #expect(abs(far / 2.096260962367584e-20 - 1) < 1e-6)
    #expect(Sample([1]).welchTest(against: b) == nil)
    #expect(Sample([1, 1]).welchTest(against: Sample([2, 2])) == nil)
    #expect(Sample([1, 3]).mean == 2 && Sample([1, 3]).deviation == 2.0.squareRoot() && Sample([5]).deviation == 0)
  }

  private static func results() -> [RunRecord] {
    [(ModelName.lr, 0.70), (.fm, 0.72), (.dnn, 0.71), (.deepFMD, 0.75)].flatMap { model, auc in
      (1...3).map { seed in
        RunRecord(
          model: model.rawValue, seed: UInt64(seed), auc: auc + Double(seed) * 1e-3, logloss: 1 - auc,
          trainingSeconds: 1, parameterDigest: "x")
      }
    }
  }

  @Test("The report has the paper's order, gains over both parts, and p-values against the best DeepFM")
  func report() {
    let report = ComparisonReport(Self.results().shuffled())
    #expect(report.rows.map(\.model) == [.lr, .fm, .dnn, .deepFMD])
    #expect(report.reference == .deepFMD)
    #expect(report.rows[3].aucPValue == nil && report.rows[0].aucPValue! < 1e-5)
    #expect(report.gains.map(\.over) == [.fm, .dnn])
    #expect(abs(report.gains[0].auc - 100 * (0.752 / 0.722 - 1)) < 1e-9)
    #expect(abs(report.gains[0].logloss - 100 * (1 - 0.25 / 0.28)) < 1e-9)
    let markdown = report.markdown()
    #expect(
      markdown.contains("| **DeepFM-D** | 0.75200 | 0.00100 |") && markdown.contains("| DeepFM-D | FM | +4.16 % |"))
    #expect(report.csv().split(separator: "\n").count == 5)
  }

  @Test("Results are kept, and not mixed with those of other settings")
  func store() throws {
    let path = FileManager.default.temporaryDirectory.path + "/results-\(UUID().uuidString).sqlite"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let store = try ResultStore(path: path, settings: "a")
    for result in Self.results() { try store.record(result) }
    #expect(Set(try ResultStore(path: path, settings: "a").results()) == Set(Self.results()))
    #expect(throws: ComparisonError.otherSettings(path: path)) { try ResultStore(path: path, settings: "b") }
    #expect(throws: ComparisonError.self) { try ResultStore(path: "/none/such/x.sqlite", settings: "a") }
  }

  @Test("A chart has a bar and an error bar for each value, and is well-formed")
  func chart() throws {
    let bars = [BarChart.Bar(label: "LR & <x>", value: 0.7, error: 0.01), .init(label: "FM", value: 0.72, error: 0)]
    let svg = BarChart(title: "AUC", axis: "AUC", bars: bars).svg()
    #expect(svg.components(separatedBy: "fill=\"steelblue\"").count == 3)
    #expect(svg.components(separatedBy: "<path").count == 2)
    #expect(svg.contains("LR &amp; &lt;x>"))
    #expect(BarChart(title: "", axis: "", bars: []).svg().hasSuffix("</svg>\n"))
    #expect(svg.contains("axis cut"))
    #expect(!BarChart(title: "", axis: "", bars: bars, startsAtZero: true).svg().contains("axis cut"))
    let lines = LineChart(
      title: "", axis: "", places: ["a", "b"],
      lines: [.init(label: "FM", points: [Sample([1, 2]), Sample([3])]), .init(label: "LR", points: [])])
    #expect(lines.svg().components(separatedBy: "<polyline").count == 3)
    #expect(lines.svg().components(separatedBy: "<circle").count == 3)
    #expect(lines.svg().components(separatedBy: "<path").count == 2)
  }
}
