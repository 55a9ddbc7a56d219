import Foundation
import Testing

@testable import Features

struct TimeTests {
  private static func read(_ text: String, _ format: String) -> Instant? {
    Array(text.utf8).withUnsafeBufferPointer { bytes in
      TimeFormat(format)!.instant(
        of: ColumnSpan(bytes.baseAddress ?? UnsafePointer(bitPattern: 1)!, count: bytes.count))
    }
  }

  /// 2014-10-21 00:30:00 in Greenwich.
  private static let moment = Instant(seconds: 1_413_851_400)
  private static let half = Instant(seconds: 1_413_851_400, fraction: 500_000_000_000_000_000)

  @Test(
    "A moment is the same however it is written",
    arguments: [
      ("iso", "2014-10-21T00:30:00Z"), ("iso", "2014-10-21 00:30"), ("iso", "2014-10-21 0:30:0"),
      ("iso", "2014/10/21 00:30:00"), ("iso", "2014.10.21 00:30:00"), ("iso", "20141021T003000Z"),
      ("iso", "20141021T0030"), ("iso", "2014-10-21T02:30:00+02:00"), ("iso", "2014-10-20T19:00:00-0530"),
      ("iso", " 2014-10-21 00:30:00 UTC "), ("iso", "2014-10-21 12:30:00 AM"), ("iso", "2014-10-20T24:30:00Z"),
      ("day-first", "21/10/2014 00:30"), ("day-first", "21.10.2014 00:30:00"), ("day-first", "21-10-2014T00:30:00"),
      ("month-first", "10/21/2014 12:30 AM"), ("month-first", "10/21/2014 00:30:00"),
      ("month-name", "21 Oct 2014 00:30:00"), ("month-name", "Oct 21, 2014 0:30"),
      ("month-name", "October 21 2014 12:30:00 am"), ("month-name", "21/Oct/2014:00:30:00 +0000"),
      ("month-name", "Tue, 21 Oct 2014 00:30:00 GMT"), ("month-name", "21-Oct-2014 00:30"),
      ("seconds", "1413851400"), ("seconds", "1413851400.0"), ("seconds", "1.4138514e9"),
      ("milliseconds", "1413851400000"), ("microseconds", "1413851400000000"), ("nanoseconds", "1413851400000000000"),
      ("%d/%m/%y %H:%M", "21/10/14 00:30"), ("%Y%m%d%H%M%S", "20141021003000"), ("%s", "1413851400"),
      ("%b %d %Y %I:%M %p", "Oct 21 2014 12:30 AM"), ("%Y-%jT%H:%M", "2014-294T00:30"),
      ("%F %T", "2014-10-21 00:30:00"),
      ("%a %d %B %Y %R %z", "Tue 21 October 2014 01:30 +01:00"), ("yyyyMMddHHmm", "201410210030"),
      ("dd.MM.yyyy'T'HH:mm", "21.10.2014T00:30"), ("dd-MMM-yyyy hh:mm a", "21-Oct-2014 12:30 AM"),
    ])
  func moments(format: String, text: String) {
    let expected = text.contains("24:30") ? nil : Self.moment
    #expect(Self.read(text, format) == expected)
  }

  @Test(
    "Fractions have any length, and instants before 1970 are in order",
    arguments: [
      ("iso", "2014-10-21T00:30:00.5Z", half), ("iso", "2014-10-21 00:30:00,500000000000000000000000009", half),
      ("milliseconds", "1413851400500", half), ("seconds", "1413851400.5", half),
      ("nanoseconds", "1413851400500000000", half), ("%d.%m.%Y %H:%M:%S.%f", "21.10.2014 00:30:00.50", half),
      ("seconds", "-0.25", Instant(seconds: -1, fraction: 750_000_000_000_000_000)),
      ("milliseconds", "-1", Instant(seconds: -1, fraction: 999_000_000_000_000_000)),
      ("iso", "1969-12-31T23:59:59.75Z", Instant(seconds: -1, fraction: 750_000_000_000_000_000)),
      ("YYMMDDHH", "14102100", Instant(seconds: 1_413_849_600)), ("iso", "2000-02-29", Instant(seconds: 951_782_400)),
      ("iso", "0000-01-01", Instant(seconds: -62_167_219_200)),
      ("iso", "2016-12-31T23:59:60Z", Instant(seconds: 1_483_228_800)),
      ("iso", "2014-10-20T24:00:00Z", Instant(seconds: 1_413_849_600)),
    ])
  func fractions(format: String, text: String, instant: Instant) { #expect(Self.read(text, format) == instant) }

  @Test(
    "What is no time is none",
    arguments: [
      "", "x", "2014-13-01", "2014-02-30", "1900-02-29", "2014-10-21T25:00", "2014-10-21 00:61", "2014-10-21x",
      "2014-10-21 00:30:00.", "2014-10-21 00:30 CET", "10-21", "2014-10-21T", "21 Okt 2014", "2014-10/21",
      "2014-10-21 00:30:00 +25:00", "2014-10-21 13:00 PM",
    ])
  func none(text: String) {
    for format in ["iso", "day-first", "month-first", "month-name", "seconds"] {
      #expect(Self.read(text, format) == nil)
    }
  }

  @Test("A format that means nothing is refused", arguments: ["%q", "jj", "HH:mm", "%H", "'x", "%"])
  func badFormat(text: String) { #expect(TimeFormat(text) == nil) }

  private static func infer(_ texts: [String]) -> Result<String, TimeFailure> {
    var inference = TimeInference()
    for text in texts {
      Array(text.utf8).withUnsafeBufferPointer { bytes in
        inference.add(ColumnSpan(bytes.baseAddress ?? UnsafePointer(bitPattern: 1)!, count: bytes.count))
      }
    }
    do { return .success(try inference.format().text) } catch { return .failure(error) }
  }

  @Test("A format is inferred only where it is unambiguous over all texts")
  func inference() {
    #expect(Self.infer(["03/04/2015", "21/04/2015"]) == .success("day-first"))
    #expect(Self.infer(["03/04/2015", "04/21/2015"]) == .success("month-first"))
    #expect(Self.infer(["2014-9-30", "2014-10-1"]) == .success("iso"))
    #expect(Self.infer(["1413851400", "0"]) == .success("seconds"))
    #expect(Self.infer(["1413851400000", "1413851400001.5"]) == .success("milliseconds"))
    #expect(Self.infer(["21 Oct 2014", "1 November 2014"]) == .success("month-name"))
    #expect(
      Self.infer(["03/04/2015", "05/06/2015"]) == .failure(.ambiguous(["day-first", "month-first"], "\"03/04/2015\"")))
    for (first, second) in [
      ("2014-10-21 00:30", "2014-10-21T00:30Z"), ("2014-10-21", "2014-10-21 00:30"), ("2014-10-21", "21/10/2014"),
      ("1413851400", "1413851400000"), ("1413851400", "2014-10-21"), ("21/04/2015", "04/21/2015"),
    ] {
      guard case .failure(.mixture) = Self.infer([first, second]) else {
        Issue.record("\(first) and \(second) pass for the same format")
        continue
      }
    }
    #expect(Self.infer(["2014-10-21", "yesterday"]) == .failure(.none(text: "\"yesterday\"")))
  }

  /// An instant as a format writes it.
  private static func write(_ instant: Instant, _ format: String, _ random: inout SplitMix) -> String {
    let date = CivilTime.date(Int(instant.seconds) / 86400)
    let rest = Int(instant.seconds) % 86400
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60)
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let digits = String(String(instant.fraction + Instant.unit).dropFirst())
    let fraction = instant.fraction == 0 ? "" : "." + String(digits.reversed().drop { $0 == "0" }.reversed())
    let clock = "\(two(hour)):\(two(minute)):\(two(second))\(fraction)"
    switch format {
    case "iso": return "\(date.year)-\(two(date.month))-\(two(date.day)) \(clock)"
    case "unpadded": return "\(date.year)-\(date.month)-\(date.day) \(hour):\(minute):\(second)\(fraction)"
    case "day-first": return "\(two(date.day)).\(two(date.month)).\(date.year) \(clock)"
    case "month-first": return "\(date.month)/\(date.day)/\(date.year) \(clock)"
    case "zones":
      let hours = Int.random(in: -11...12, using: &random)
      let shifted = Instant(seconds: instant.seconds + Int64(hours) * 3600, fraction: instant.fraction)
      return write(shifted, "iso", &random) + (hours < 0 ? "-" : "+") + two(abs(hours)) + ":00"
    case "seconds": return "\(instant.seconds)\(fraction)"
    default: return "\(instant.seconds)\(digits.prefix(3))"
    }
  }

  @Test(
    "Nothing of the future lands in an earlier part, however times are written",
    arguments: ["iso", "unpadded", "day-first", "month-first", "zones", "seconds", "milliseconds"], 0..<6)
  func future(format: String, seed: Int) throws {
    var random = SplitMix(seed + 1000)
    let scratch = try Scratch()
    let rows = 400
    // Around a new year, so that texts sort otherwise than times; some at the same moment, some a fraction apart.
    let instants = (0..<rows).map { _ in
      Instant(
        seconds: 1_419_984_000 + Int64.random(in: 0..<(seed % 2 == 0 ? 6_000_000 : 90_000), using: &random),
        fraction: Bool.random(using: &random) ? 0 : UInt64.random(in: 0..<1000, using: &random) * 1_000_000_000_000_000)
    }
    let lines = instants.enumerated().map { "\($0 % 2),\($0),\(Self.write($1, format, &random))\n" }
    let file = try scratch.file("a.csv", "label,row,at\n" + lines.joined())
    let index = try scratch.index([file], Schema(timestamp: "at"), chunkBytes: 1000)
    let paths = (0..<3).map { "\(scratch.path)/part-\($0)" }
    let parts = try Splitter(index, rule: .byTime("at", format: nil), ratio: [6, 3, 1]).write(to: paths)
    #expect(parts.reduce(0) { $0 + $1.rows } == rows)
    let times = try paths.map { path in
      try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").dropFirst().map {
        instants[Int($0.split(separator: ",")[1])!]
      }
    }
    #expect(times[0].max()! < times[1].min()! && times[1].max()! < times[2].min()!)
    #expect(abs(times[0].count - rows * 6 / 10) < 20)
  }

  @Test("A text that is no time, or a mixture, is an error with file and line; nothing is written")
  func mistakes() throws {
    let scratch = try Scratch()
    func message(_ times: [String], _ format: TimeFormat? = nil) throws -> String {
      let file = try scratch.file("a.csv", "label,x,at\n" + times.map { "1,a,\($0)\n" }.joined())
      let index = try scratch.index([file], Schema(timestamp: "at"))
      let error = #expect(throws: SplitError.self) {
        try Splitter(index, rule: .byTime("at", format: format), ratio: [1, 1])
          .write(to: [scratch.path + "/x", scratch.path + "/y"])
      }
      #expect(!FileManager.default.fileExists(atPath: scratch.path + "/x"))
      return error?.description.replacing(scratch.path + "/", with: "") ?? ""
    }
    #expect(try message(["2014-10-21", "soon"]).hasPrefix("a.csv:3: at: expected a time, found \"soon\""))
    #expect(
      try message(["2014-10-21", "21/10/2014"]).hasPrefix("a.csv:3: at: found \"21/10/2014\" where times before are"))
    #expect(try message(["01/02/2014", "03/04/2014"]).contains("may be day-first or month-first"))
    #expect(try message(["2014-10-21 00:30", "2014-10-21 00:30Z"], .iso).contains("with or without a zone"))
    #expect(try message(["21/10/2014", "2014-10-21"], .dayFirst).hasPrefix("a.csv:3: at: expected a time"))
  }
}
