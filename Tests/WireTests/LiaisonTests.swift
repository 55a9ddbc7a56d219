import Sharding
import Testing

@testable import Wire

/// A member's side of its conversation with a coordinator, and with the one after it.
struct LiaisonTests {
  /// A liaison and its coordinator, played by hand.
  private struct Talk {
    var liaison = Liaison(
      incarnation: 5, registration: Registration(role: .server, host: "h", process: 1, endpoint: "tcp://h:1"),
      coordinator: "c", timing: Timing(), at: 0)
    var coordinator = Talk.reign(2)
    var time = 0.0

    static func reign(_ term: UInt32, run: UInt64 = 7) -> Session {
      var identity = Preamble()
      identity.run = run
      identity.term = term
      identity.member = .coordinator
      identity.incarnation = 100 + UInt64(term)
      return Session(identity, timing: Timing(), at: 0)
    }

    /// What the liaison says at the next tick.
    mutating func tick() -> [Envelope] {
      time += 0.1
      guard case .messages(let messages, _) = liaison.tick(at: time, beat: Beat()) else { return [] }
      return messages
    }

    mutating func hear(_ envelope: Envelope) -> Liaison.Heard { liaison.receive(envelope, at: time) }

    func answer(_ question: Envelope, _ message: Message) -> Envelope {
      var preamble = coordinator.identity
      preamble.request = question.preamble.request
      return Envelope(preamble, message)
    }

    mutating func order(_ order: ServerOrder, view: UInt32) -> Envelope {
      coordinator.identity.view = view
      return coordinator.ask(.order(Control(order)), at: time)
    }

    /// Has the liaison welcomed at its first offer.
    mutating func welcome(_ member: Member = .server(1)) throws {
      let offer = try #require(tick().first { if case .register = $0.message { true } else { false } })
      _ = hear(answer(offer, .welcome(member)))
      try #require(liaison.member == member)
    }
  }

  private func isNothing(_ heard: Liaison.Heard) -> Bool { if case .nothing = heard { true } else { false } }

  private func isOrder(_ heard: Liaison.Heard, _ view: UInt32) -> Bool {
    if case .order(_, _, view) = heard { true } else { false }
  }

  @Test("A higher term begins another conversation: who this is and what it was, and nothing of the term before")
  func reigns() throws {
    var talk = Talk()
    try talk.welcome()
    talk.liaison.promise(3)
    talk.liaison.adopt(3)
    let old = talk.coordinator
    let question = talk.liaison.session.ask(.fetch(Fetch(digest: Samples.digest, part: 0)), at: talk.time)

    talk.coordinator = Talk.reign(4)
    guard case .tell(let offer) = talk.hear(talk.coordinator.say(.beat(Beat()))),
      case .register(let registration) = offer.message
    else {
      Issue.record("it does not offer itself")
      return
    }
    #expect(registration.standing == .init(member: .server(1), view: 3) && registration.endpoint == "tcp://h:1")
    #expect(offer.preamble.term == 4 && offer.preamble.run == 7 && offer.preamble.incarnation == 5)
    #expect(offer.preamble.request > question.preamble.request, "requests are counted on")
    #expect(talk.liaison.member == .server(1) && talk.liaison.view == 3)

    // Nothing of the old term, whoever says it; nothing but a place of the new one.
    var late = old
    late.identity.view = 4
    #expect(isNothing(talk.hear(late.ask(.order(Control(ServerOrder.propose)), at: talk.time))))
    let early = talk.order(.propose, view: 4)
    #expect(isNothing(talk.hear(early)))
    #expect(isNothing(talk.hear(talk.answer(question, .piece(Piece(0, of: [1], digest: Samples.digest)!)))))
    // It has not met anyone yet.
    #expect(isNothing(talk.hear(Envelope(refusing: 0, .unknownMember(5), as: talk.coordinator.identity))))
    _ = talk.hear(talk.answer(offer, .welcome(.server(1))))
    #expect(isOrder(talk.hear(early), 4), "it was not noted, and is taken when it comes again")
    #expect(isNothing(talk.hear(talk.answer(question, .noted))), "an answer to what the other was asked")
  }

  @Test("What was said to the process that had the address before is not taken")
  func addressees() throws {
    var talk = Talk()
    try talk.welcome()
    var order = talk.order(.propose, view: 2)
    order.preamble.addressee = 4
    #expect(isNothing(talk.hear(order)))
    order.preamble.addressee = 5
    #expect(isOrder(talk.hear(order), 2))
  }

  @Test("A promise holds against all that was ordered in earlier views, which is not even noted")
  func promises() throws {
    var talk = Talk()
    try talk.welcome()
    #expect(talk.liaison.promised == 0 && !talk.liaison.isFrozen)
    #expect(isOrder(talk.hear(talk.order(.propose, view: 2)), 2))
    talk.liaison.promise(2)
    #expect(talk.liaison.isFrozen && talk.liaison.view == 0)
    let adopt = talk.order(.digest, view: 2)
    #expect(isOrder(talk.hear(talk.order(.propose, view: 3)), 3))
    talk.liaison.promise(3)
    talk.liaison.promise(2)
    #expect(talk.liaison.promised == 3)
    #expect(isNothing(talk.hear(adopt)))
    talk.liaison.adopt(3)
    #expect(!talk.liaison.isFrozen && talk.liaison.view == 3)
    #expect(isNothing(talk.hear(adopt)))
    #expect(isOrder(talk.hear(talk.order(.digest, view: 3)), 3))
  }

  @Test("An order that comes again is nothing while it is carried out, and answered as before once it is")
  func repetitions() throws {
    var talk = Talk()
    try talk.welcome()
    let order = talk.order(.propose, view: 1)
    guard case .order(let request, _, view: 1) = talk.hear(order) else {
      Issue.record("no order")
      return
    }
    talk.liaison.promise(1)
    #expect(isNothing(talk.hear(order)))
    let answer = talk.liaison.session.answer(request, .noted)
    talk.liaison.adopt(1)
    guard case .tell(let again) = talk.hear(order) else {
      Issue.record("not answered")
      return
    }
    #expect(again.preamble.request == answer.preamble.request && again.message.name == "noted")
    talk.liaison.promise(2)
    #expect(isNothing(talk.hear(order)), "of a view that is over")
  }

  @Test("Whoever the run went on without begins anew, and is not taken in by what was meant for it before")
  func excluded() throws {
    var talk = Talk()
    try talk.welcome()
    talk.liaison.promise(4)
    talk.liaison.adopt(4)
    let late = talk.order(.digest, view: 4)
    #expect(isNothing(talk.hear(Envelope(refusing: 0, .unknownMember(6), as: talk.coordinator.identity))))
    let refused = { Envelope(refusing: 0, .unknownMember($0), as: talk.coordinator.identity) }
    #expect(isNothing(talk.hear(refused(5))), "of the view that it stands in")
    talk.coordinator.identity.view = 5
    guard case .excluded = talk.hear(refused(5)) else {
      Issue.record("not excluded")
      return
    }
    let before = try #require(talk.liaison.session.openQuestions == 0 ? talk.liaison.session.identity : nil)
    talk.liaison.beginAnew(at: talk.time)
    #expect(talk.liaison.member == nil && talk.liaison.view == 0)
    let offer = try #require(talk.tick().first)
    guard case .register(let registration) = offer.message else {
      Issue.record("it does not offer itself")
      return
    }
    #expect(registration.standing == nil && offer.preamble.run == 0)
    #expect(offer.preamble.incarnation == before.incarnation + 1)

    var welcome = talk.answer(offer, .welcome(.server(1)))
    welcome.preamble.request = 1
    #expect(isNothing(talk.hear(welcome)) && talk.liaison.member == nil, "a late welcome of the old one")
    _ = talk.hear(talk.answer(offer, .welcome(.server(8))))
    #expect(talk.liaison.member == .server(8))
    #expect(isNothing(talk.hear(late)), "a late order of the old one")
    #expect(isNothing(talk.hear(Envelope(refusing: 0, .unknownMember(5), as: talk.coordinator.identity))))
    #expect(isOrder(talk.hear(talk.order(.propose, view: 5)), 5))
  }

  @Test("Whoever took part in a run takes part in no other")
  func otherRun() throws {
    var talk = Talk()
    try talk.welcome()
    talk.liaison.beginAnew(at: talk.time)
    let offer = try #require(talk.tick().first)
    talk.coordinator = Talk.reign(1, run: 8)
    guard case .refused("another run goes on there") = talk.hear(talk.answer(offer, .welcome(.server(1)))) else {
      Issue.record("it takes part")
      return
    }
    #expect(talk.liaison.member == nil)
  }

  @Test("What other members say is of this view, of one that is over, or too early")
  func views() throws {
    var talk = Talk()
    try talk.welcome()
    talk.liaison.promise(3)
    talk.liaison.adopt(3)
    var said = talk.liaison.session.identity
    func refusal(_ view: UInt32, _ liaison: Liaison, run: UInt64 = 7) -> Refusal? {
      said.view = view
      said.run = run
      return liaison.refusal(of: said)
    }
    #expect(refusal(3, talk.liaison) == nil)
    #expect(refusal(2, talk.liaison) == .staleView(now: 3))
    #expect(refusal(4, talk.liaison) == .notYet)
    #expect(refusal(3, talk.liaison, run: 8) == .otherRun)
    talk.liaison.promise(5)
    #expect(refusal(3, talk.liaison) == .staleView(now: 5))
    #expect(refusal(5, talk.liaison) == .notYet)
    #expect(refusal(6, talk.liaison) == .notYet)
  }

  @Test("A coordinator that is away is waited for, while beats go on for its successor to hear")
  func patience() throws {
    var talk = Talk()
    try talk.welcome()
    var beats = 0
    while talk.time < 299 { beats += talk.tick().count }
    #expect(beats > 500, "its successor hears of this process so")
    while talk.time < 302 { _ = talk.tick() }
    guard case .silent(_, seconds: 300) = talk.liaison.tick(at: talk.time, beat: Beat()) else {
      Issue.record("its silence was not noticed")
      return
    }
  }
}
