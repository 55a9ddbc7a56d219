import Run
import Testing

@testable import Command

struct ReportTests {
  @Test("Numbers are written as people read them")
  func format() {
    #expect(Format.count(0) == "0" && Format.count(1_234_567) == "1,234,567" && Format.count(999.6) == "1,000")
    #expect(Format.count(-1234) == "-1,234" && Format.count(.nan) == "-" && Format.count(.infinity) == "-")
    #expect(Format.duration(59.6) == "1:00" && Format.duration(3725) == "1:02:05" && Format.duration(.infinity) == "-")
    #expect(Format.fixed(1.25, 1) == "1.2" && Format.fixed(nil, 1) == "-" && Format.fixed(.nan, 1) == "-")
  }

  @Test("What is no number is null in JSON")
  func json() throws {
    #expect(try JSONLine.encode(["a": 1.5, "b": .nan, "c": .infinity]) == #"{"a":1.5,"b":null,"c":null}"#)
    #expect(try JSONLine.encode([Quality.known(0.5), .unknown(reason: "x")]) == "[0.5,null]")
  }
}
