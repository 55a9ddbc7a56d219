import Testing

@testable import Run

struct RestartsTests {
  @Test("A child that dies is started again later and later, and given up; one that has lived for a minute begins anew")
  func delays() {
    var restarts = Restarts(most: 3)
    #expect(restarts.delay(afterLiving: 1) == 0.1 && restarts.delay(afterLiving: 1) == 0.2)
    #expect(restarts.delay(afterLiving: 60) == 0.1)
    #expect(restarts.delay(afterLiving: 59) == 0.2 && restarts.delay(afterLiving: 0) == 0.4)
    #expect(restarts.delay(afterLiving: 0) == nil)
    var patient = Restarts(most: 1000)
    let delays = (0..<100).compactMap { _ in patient.delay(afterLiving: 0) }
    #expect(delays.count == 100 && delays.max() == 5 && delays == delays.sorted())
  }
}
