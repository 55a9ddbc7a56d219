import ParamServer
import Sharding
import Testing
import Wire

@Suite("A server's place in a run")
struct PlaceTests {
  @Test("A server registers again until it is welcomed, then beats")
  func registration() throws {
    let rig = Rig()
    let first = try #require(rig.tell(.tick).told.first)
    guard case .register(let registration) = first.message else {
      Issue.record("\(first.message.name)")
      return
    }
    #expect(registration.endpoint == "tcp://here:1" && registration.role == .server)
    #expect(first.preamble.incarnation == Rig.incarnation && first.preamble.member == nil)
    let again = rig.wait(30, hearing: false).told
    #expect(again.count > 5)
    #expect(again.allSatisfy { $0.message.name == "register" && $0.preamble.request == first.preamble.request })
    #expect(rig.answer(first, .welcome(.server(3))).isEmpty)
    let then = rig.wait(1).told
    #expect(!then.isEmpty && then.allSatisfy { $0.message.name == "beat" })
    #expect(then.allSatisfy { $0.preamble.member == .server(3) && $0.preamble.run == Rig.run })
  }

  @Test("A server that has no place takes no order")
  func ordersBeforeWelcome() throws {
    let rig = Rig()
    _ = rig.tell(.tick)
    for order in [ServerOrder.stop, .adopt(assign()), .digest] { #expect(rig.order(order, view: 1).isEmpty) }
    #expect(rig.clock == nil)
  }

  @Test("It says every few seconds that it waits, and for ten minutes")
  func patience() {
    let rig = Rig()
    #expect(rig.wait(4, hearing: false).said.isEmpty)
    #expect(rig.wait(2, hearing: false).said == ["waiting for the coordinator at tcp://there:7000"])
    #expect(!rig.wait(593, hearing: false).hasEnded)
    guard case .coordinatorSilent? = rig.wait(2, hearing: false).error else {
      Issue.record("it waits on")
      return
    }
  }

  @Test("A coordinator that has enough servers sends it away, one that is not ready does not")
  func full() throws {
    let rig = Rig()
    let question = try #require(rig.tell(.tick).told.first)
    #expect(rig.answer(question, .refusal(.notYet)).isEmpty)
    #expect(rig.wait(1, hearing: false).told.contains { $0.message.name == "register" })
    let effects = rig.answer(question, .refusal(.full("this run has the 2 servers it needs")))
    #expect(effects.error?.description.contains("this run has the 2 servers it needs") == true)
    #expect(effects.told.isEmpty, "it is not the run that fails")
    #expect(rig.wait(5).isEmpty, "nothing follows")
  }

  @Test("A coordinator that falls silent ends a server, which names it; one that speaks does not")
  func silence() throws {
    let rig = try Rig.serving()
    #expect(!rig.wait(60).hasEnded)
    #expect(!rig.wait(19.5, hearing: false).hasEnded)
    let error = rig.wait(1, hearing: false).error?.description
    #expect(error?.contains("the coordinator at tcp://there:7000 has been silent for 20 s") == true)
  }

  @Test("A process that stood still has not listened: that is nobody's silence")
  func lateTick() throws {
    let rig = try Rig.serving()
    _ = rig.wait(1)
    rig.time += 3600
    #expect(!rig.tell(.tick).hasEnded)
    #expect(!rig.wait(19, hearing: false).hasEnded)
    #expect(rig.wait(2, hearing: false).hasEnded)
  }

  @Test("What the coordinator's connection has no room for is asked again a little later")
  func congestion() throws {
    let rig = Rig()
    let question = try #require(rig.tell(.tick).told.first)
    rig.time = 0.15
    #expect(rig.tell(.congested(request: question.preamble.request)).isEmpty)
    rig.time = 0.3
    #expect(rig.tell(.tick).told.isEmpty)
    rig.time = 0.4
    #expect(rig.tell(.tick).told.map(\.preamble.request) == [question.preamble.request])
  }

  @Test("Told to stop, a server says so and ends")
  func stop() throws {
    let rig = try Rig.serving()
    let effects = rig.order(.stop)
    guard case .done? = effects.reports.first else {
      Issue.record("no report")
      return
    }
    #expect(effects.hasEnded && effects.error == nil)
    #expect(rig.order(.stop).isEmpty && rig.ask(pull([])).isEmpty && rig.wait(99, hearing: false).isEmpty)
  }

  @Test("A message of another run or an earlier term is none of the server's", arguments: [(8, 3), (7, 2)])
  func otherCoordinator(run: UInt64, term: UInt32) throws {
    let rig = try Rig.serving()
    var envelope = rig.envelope(.stop)
    (envelope.preamble.run, envelope.preamble.term) = (run, term)
    #expect(rig.tell(.ordered(envelope)).isEmpty)
  }

  @Test("An assignment that contradicts itself ends the server with a reason")
  func badAssignments() throws {
    var wide = describeTable()
    wide.regions.append(.init(firstKey: 5, columns: []))
    for assignment in [
      assign(slices: 0), assign(slices: 5000), assign(server: 1), assign(server: -1), assign(tables: []),
      assign(tables: [wide]),
    ] {
      let rig = try Rig.welcomed()
      let effects = rig.order(.adopt(assignment), view: 1)
      #expect(effects.error != nil && effects.told.first?.message.name == "failed")
    }
  }

  @Test("An order that is none is refused, and the server goes on")
  func nonsense() throws {
    let rig = try Rig.serving()
    var envelope = rig.envelope(.digest)
    envelope.message = .order(Control(["dance": 1]))
    let answer = rig.tell(.ordered(envelope)).told.first?.message
    guard case .refusal(.malformed)? = answer else {
      Issue.record("\(answer?.name ?? "nothing")")
      return
    }
    var question = rig.envelope(.digest)
    question.message = pull([])
    guard case .refusal(.malformed)? = rig.tell(.ordered(question)).told.first?.message else {
      Issue.record("a coordinator does not pull")
      return
    }
    #expect(try rig.digests().isEmpty)
  }
}
