import Foundation
import Testing

@testable import Wire

struct ControlTests {
  @Test("Control values survive their JSON; other bytes are refused")
  func control() throws {
    let message = try Message(control: ServerOrder.checkpoint(number: 3, clock: 9), kind: .serverControl)
    guard case .checkpoint(3, 9) = try message.control(as: ServerOrder.self) else {
      Issue.record("another order came out")
      return
    }
    let bad = Message(Header(.serverControl), [Frame(Array("{".utf8))])
    #expect(throws: WireError.self) { try bad.control(as: ServerOrder.self) }
    #expect(throws: WireError.self) { try Message(Header(.serverControl)).control(as: ServerOrder.self) }
  }

  @Test("A waker ends a wait from another thread")
  func waker() throws {
    let waker = try Waker()
    var poller = Poller([], waker: waker)
    let clock = ContinuousClock()
    let start = clock.now
    Thread { waker.wake() }.start()
    try poller.wait(milliseconds: 20_000)
    #expect(clock.now - start < .seconds(10))
    waker.clear()
  }
}
