import Sharding
import Wire

/// Who takes part in a run: processes register, are numbered when all are there, are heard, and are missed.
///
/// Apart from what the run is for: `RunProgram` asks members to do things by their place and is told what they answer.
/// A member is a process by its incarnation. The connection it speaks over may change at any time.
struct Membership: Sendable {
  /// What a run needs.
  let servers: Int
  let workers: Int
  private let timing: Timing
  private let run: UInt64
  private let term: UInt32 = 1
  private(set) var view: UInt32 = 0
  private var places: [UInt64: Place] = [:]
  private var incarnations: [Member: UInt64] = [:]
  private var ticks: Ticks
  private let startedAt: Seconds
  private var lastSaid: Seconds

  /// A process that has offered itself and is not heard for so long is no longer counted on.
  private static let candidatePatience: Seconds = 5

  init(servers: Int, workers: Int, run: UInt64, timing: Timing, at time: Seconds) {
    self.servers = servers
    self.workers = workers
    self.run = run
    self.timing = timing
    ticks = Ticks(at: time)
    startedAt = time
    lastSaid = time
  }

  // MARK: Places

  var isComplete: Bool { !incarnations.isEmpty }

  var members: [Member] { incarnations.keys.sorted() }
  func members(_ role: Member.Role) -> [Member] { members.filter { $0.role == role } }

  subscript(member: Member) -> Place? { incarnations[member].flatMap { places[$0] } }

  /// All members, in the order of their places.
  var all: [Place] { members.compactMap { self[$0] } }

  private func candidates(_ role: Member.Role) -> [Place] { places.values.filter { $0.registration.role == role } }

  var missing: String {
    "\(servers - candidates(.server).count) of \(servers) servers and "
      + "\(workers - candidates(.worker).count) of \(workers) workers"
  }

  private func identity() -> Preamble {
    var identity = Preamble()
    identity.run = run
    identity.term = term
    identity.view = view
    identity.member = .coordinator
    return identity
  }

  /// Begins the next view: whatever is said from now on belongs to it.
  mutating func advance() {
    view += 1
    let identity = identity()
    for incarnation in places.keys { places[incarnation]?.session.identity = identity }
  }

  // MARK: Hearing

  /// What a message of a process comes to.
  enum Heard {
    case nothing
    case send(Envelope, Route)
    /// The last process that the run was waiting for has come; everyone has a place now.
    case complete([(Envelope, Route)])
    case question(Member, UInt64, Message)
    case answer(Member, Message, to: Message)
    case beat(Member, Beat)
  }

  mutating func receive(_ envelope: Envelope, from route: Route, at time: Seconds) -> Heard {
    excuse(at: time)
    let incarnation = envelope.preamble.incarnation
    if case .register(let registration) = envelope.message {
      return register(registration, incarnation, envelope, route, at: time)
    }
    guard var place = places[incarnation], let member = place.member else {
      return refuse(.unknownMember, envelope, route)
    }
    guard envelope.preamble.run == run else { return refuse(.otherRun, envelope, route) }
    if !Mutant.keepOldRoute.isActive { place.session.route = route }
    defer { places[incarnation] = place }
    // What a member says of an earlier view shows that it lives, and nothing else; but it may not know yet that the
    // view is over.
    guard envelope.preamble.view == view || !countsInItsView(envelope.message) else {
      place.session.hear(at: time)
      return .nothing
    }
    switch place.session.receive(envelope, at: time) {
    case .nothing: return .nothing
    case .repeated(let answer): return .send(answer, route)
    case .said(.beat(let beat)):
      if beat.done != place.beat.done { place.movedAt = time }
      place.beat = beat
      return .beat(member, beat)
    case .said(let message): return .question(member, 0, message)
    case .question(let request, let message): return .question(member, request, message)
    case .answer(let message, let question): return .answer(member, message, to: question)
    }
  }

  /// Scores count in the view they were asked for; orders and what answers them carry their own numbers.
  private func countsInItsView(_ message: Message) -> Bool {
    if case .scores = message { true } else { false }
  }

  private func refuse(_ refusal: Refusal, _ envelope: Envelope, _ route: Route) -> Heard {
    .send(stranger(refusal, request: envelope.preamble.request), route)
  }

  /// A refusal for somebody there is no session with.
  func stranger(_ refusal: Refusal, request: UInt64) -> Envelope {
    Envelope(refusing: request, refusal, as: identity())
  }

  private mutating func register(
    _ registration: Registration, _ incarnation: UInt64, _ envelope: Envelope, _ route: Route, at time: Seconds
  ) -> Heard {
    let request = envelope.preamble.request
    if var known = places[incarnation] {
      known.session.route = route
      known.session.hear(at: time)
      known.registrationRequest = request
      places[incarnation] = known
      guard let (envelope, route) = welcome(incarnation) else {
        return .send(stranger(.notYet, request: request), route)
      }
      return .send(envelope, route)
    }
    let wanted = registration.role == .server ? servers : workers
    guard registration.role != .coordinator, candidates(registration.role).count < wanted, !isComplete else {
      return .send(
        stranger(.full("this run has the \(wanted) \(registration.role)s it needs"), request: request), route)
    }
    places[incarnation] = Place(
      registration: registration, incarnation: incarnation, registrationRequest: request,
      session: Session(identity(), with: incarnation, route: route, timing: timing, at: time), movedAt: time)
    guard candidates(.server).count == servers, candidates(.worker).count == workers else {
      return .send(stranger(.notYet, request: request), route)
    }
    for role in [Member.Role.server, .worker] {
      for (number, place) in candidates(role).sorted(by: Place.precedes).enumerated() {
        places[place.incarnation]?.member = Member(role, number)
        incarnations[Member(role, number)] = place.incarnation
      }
    }
    return .complete(all.compactMap { place in welcome(place.incarnation) })
  }

  private mutating func welcome(_ incarnation: UInt64) -> (Envelope, Route)? {
    guard var place = places[incarnation], let member = place.member, let route = place.session.route else {
      return nil
    }
    defer { places[incarnation] = place }
    return (place.session.answer(place.registrationRequest, .welcome(member)), route)
  }

  // MARK: Speaking

  /// Asks a member; the answer comes as `Heard.answer`.
  mutating func ask(_ member: Member, _ message: Message, at time: Seconds) -> [(Envelope, Route)] {
    guard let incarnation = incarnations[member], var place = places[incarnation] else { return [] }
    defer { places[incarnation] = place }
    let envelope = place.session.ask(message, at: time)
    return place.session.route.map { [(envelope, $0)] } ?? []
  }

  mutating func answer(_ member: Member, _ request: UInt64, _ message: Message) -> [(Envelope, Route)] {
    guard let incarnation = incarnations[member], var place = places[incarnation] else { return [] }
    defer { places[incarnation] = place }
    let envelope = place.session.answer(request, message)
    return place.session.route.map { [(envelope, $0)] } ?? []
  }

  /// What happens in the run counts as work that moves: nobody has had time to stand still.
  mutating func noteProgress(at time: Seconds) {
    for incarnation in places.keys { places[incarnation]?.movedAt = time }
  }

  /// What was asked of members no longer matters.
  mutating func forgetQuestions() {
    for incarnation in places.keys { places[incarnation]?.session.forget() }
  }

  var openQuestions: Int { places.values.reduce(0) { $0 + $1.session.openQuestions } }

  /// Whether some member has not answered yet.
  var isWaiting: Bool { places.values.contains { $0.member != nil && $0.session.isWaiting } }

  mutating func holdBack(_ request: UInt64, along route: Route, at time: Seconds) {
    for (incarnation, place) in places where place.session.route == route {
      places[incarnation]?.session.holdBack(request, at: time)
    }
  }

  // MARK: Time

  /// Time that stood still for this process is nobody's silence. To be called before anything else happens at this time:
  /// what is asked or heard now must not be excused for what was before.
  mutating func excuse(at time: Seconds) {
    let lateness = ticks.lateness(at: time)
    guard lateness > 0 else { return }
    for incarnation in places.keys {
      places[incarnation]?.session.excuse(lateness)
      places[incarnation]?.movedAt += lateness
    }
  }

  /// What time brings: beats and repetitions to send, and who is missed.
  struct Tick {
    var messages: [(Envelope, Route)] = []
    /// For people who wait.
    var sentence: String?
    var failure: String?
  }

  mutating func tick(at time: Seconds, gatherSeconds: Seconds) -> Tick {
    var tick = Tick()
    excuse(at: time)
    for incarnation in places.keys.sorted() {
      guard var place = places[incarnation] else { continue }
      if place.member == nil, place.session.silence(at: time) > Self.candidatePatience {
        places[incarnation] = nil
        continue
      }
      if place.member != nil, let route = place.session.route {
        tick.messages += place.session.due(at: time).map { ($0, route) }
        if place.session.isBeatDue(at: time) { tick.messages.append((place.session.say(.beat(Beat())), route)) }
      }
      places[incarnation] = place
    }
    guard isComplete else {
      if time - startedAt >= gatherSeconds {
        tick.failure =
          "after \(Int(gatherSeconds)) s still waiting for \(missing). Start them with this coordinator's "
          + "address, and check that they can reach it"
      } else if time - lastSaid >= 5 {
        lastSaid = time
        tick.sentence = "waiting for \(missing)"
      }
      return tick
    }
    if let lost = all.first(where: { $0.session.silence(at: time) >= timing.timeout }) {
      tick.failure =
        "\(lost.name) has been silent for \(Int(timing.timeout)) s. See its log, or the network between it and here"
    }
    return tick
  }
}
