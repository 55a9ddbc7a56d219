import Sharding
import Testing
import Wire

@testable import Coordinator

@Suite("Being alive is not progress")
struct ProgressWatchTests {
  /// Two servers and two workers that moved last at second 5.
  private static func places(_ activities: [Member: Activity]) -> [Place] {
    Sample.places().map { place in
      var place = place
      place.movedAt = 5
      place.beat.activity = activities[place.member!] ?? Activity(.idle)
      return place
    }
  }

  private static func standstill(_ activities: [Member: Activity]) -> String? {
    ProgressWatch.standstill(of: places(activities), timeout: 20, at: 25)
  }

  @Test("As long as one member gets on, the run does")
  func moving() {
    var places = Self.places([:])
    #expect(ProgressWatch.standstill(of: places, timeout: 20, at: 24.9) == nil)
    places[2].movedAt = 6
    #expect(ProgressWatch.standstill(of: places, timeout: 20, at: 25) == nil)
    #expect(ProgressWatch.standstill(of: places, timeout: 20, at: 26) != nil)
    #expect(ProgressWatch.standstill(of: [], timeout: 20, at: 1000) == nil)
  }

  @Test("Who has work of its own holds the others, who are named as well")
  func holder() {
    let sentence = Self.standstill([
      .worker(1): Activity(.computing, step: 17, slices: [3, 4]),
      .worker(0): Activity(.pulling, step: 18, waitsFor: [.worker(1)]),
      .server(0): Activity(.collecting, step: 17, slices: [3, 4]),
    ])
    #expect(
      sentence
        == "worker-1 (process 21 on h) has been computing of slices 3, 4 of step 17 for 20 s without getting on; "
        + "worker-0 wait. See its log")
  }

  @Test("Where a worker and a server do not reach each other, both ends are named, and the address")
  func unreachable() {
    let sentence = Self.standstill([
      .worker(0): Activity(.pulling, step: 3, waitsFor: [.server(1)]),
      .worker(1): Activity(.pulling, step: 3, waitsFor: [.server(1)]),
      .server(0): Activity(.collecting, step: 3, slices: [0, 1]),
      .server(1): Activity(.collecting, step: 3, slices: [0, 1]),
    ])
    #expect(
      sentence
        == "worker-0 (process 20 on h) has been pulling the rows of step 3 for 20 s, and waits for "
        + "server-1 (process 11 on h), which is waiting for gradients of slices 0, 1 of step 3. "
        + "Can h reach it at tcp://h:1? Servers on other hosts need --listen with an address that workers can reach")
  }

  @Test("Where nobody waits for anybody, all are named; huge numbers are told short")
  func idle() {
    var places = Self.places([.server(0): Activity(.collecting, step: .max, slices: Array(0..<100_000))])
    for place in places.indices { places[place].beat.done = .max }
    places[0].beat.done = 0
    let sentence = ProgressWatch.standstill(of: places, timeout: 20, at: 1e9) ?? ""
    #expect(
      sentence.hasPrefix(
        "nothing has moved for 999999995 s: server-0 (process 10 on h) is waiting for gradients of slices 0, 1, 2, "
          + "3, 4, 5, 6, 7, ... of step 18446744073709551615, server-1 (process 11 on h) is idle, "))
    #expect(sentence.hasSuffix("is idle. See their logs"))
    let stranger = Activity(.pulling, waitsFor: [.server(99)])
    #expect(Self.standstill([.worker(0): stranger])?.hasPrefix("nothing has moved") == true)
  }
}
