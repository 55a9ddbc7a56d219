import Job
import Sharding
import Wire

/// Who is there: processes register, get their numbers, are heard, and are missed.
///
/// Apart from views (`ViewChange`) and from what the run is for (`RunProgram`). A member is a process by its incarnation; the
/// connection it speaks over may change at any time. Whoever is forgotten is answered that the run goes on without it.
struct Membership: Sendable {
  private let timing: Timing
  private let mostWorkers: Int?
  private let run: UInt64
  private let term: UInt32
  private let incarnation: UInt64
  /// That messages speak of: the one proposed, or adopted, last.
  private(set) var view: UInt32 = 0
  var places: [UInt64: Place] = [:]
  /// Incarnations that are not taken again: a registration may come late, and twice.
  private var forgotten = Recent<UInt64>(most: 4096)
  /// By incarnation, the members of the last view that may come yet.
  private var seats: [UInt64: Member]
  /// Members that a person wanted to leave.
  private var retired: Set<Member> = []
  /// Whether numbers are given to whoever comes: not before all are there with whom a run begins.
  private(set) var isNumbered: Bool
  private var ticks: Ticks

  /// A process that has offered itself, is in no view, and is not heard for so long is no longer counted on.
  private static let candidatePatience: Seconds = 5

  /// - Parameters:
  ///   - incarnation: of the coordinator.
  ///   - isNumbered: whether the run has begun under an earlier coordinator.
  ///   - seats: by incarnation, the members of its last view, which may be alive.
  init(
    run: UInt64, term: UInt32, incarnation: UInt64, mostWorkers: Int?, isNumbered: Bool,
    seats: [UInt64: Member] = [:], timing: Timing, at time: Seconds
  ) {
    self.seats = seats
    self.run = run
    self.term = term
    self.incarnation = incarnation
    self.mostWorkers = mostWorkers
    self.isNumbered = isNumbered
    self.timing = timing
    ticks = Ticks(at: time)
  }

  // MARK: Places

  /// All, those without a number last.
  var all: [Place] {
    places.values.sorted {
      switch ($0.member, $1.member) {
      case (let left?, let right?): left < right
      case (nil, nil): Place.precedes($0, $1)
      case (let left, _): left != nil
      }
    }
  }

  func all(_ role: Member.Role) -> [Place] { all.filter { $0.registration.role == role } }
  func count(_ role: Member.Role) -> Int { places.values.count { $0.registration.role == role && !$0.isLeaving } }

  subscript(incarnation: UInt64) -> Place? { places[incarnation] }
  subscript(member: Member) -> Place? { places.values.first { $0.member == member } }

  /// Numbers everyone who is there: the run begins.
  ///
  /// - Returns: welcomes.
  mutating func number() -> [(Envelope, Route)] {
    guard !isNumbered else { return [] }
    isNumbered = true
    for role in [Member.Role.server, .worker] {
      for (number, place) in all(role).enumerated() { places[place.incarnation]?.member = Member(role, number) }
    }
    return all.compactMap { welcome($0.incarnation) }
  }

  /// The run goes on without these.
  mutating func forget(_ incarnations: some Sequence<UInt64>) {
    for incarnation in incarnations {
      places[incarnation] = nil
      forgotten.insert(incarnation)
    }
  }

  mutating func drain(_ incarnation: UInt64) { places[incarnation]?.isDraining = true }
  /// Its number is nobody else's, so that whoever wants it gone does not mean another.
  mutating func letGo(_ incarnation: UInt64) {
    places[incarnation]?.isLeaving = true
    if let member = places[incarnation]?.member { retired.insert(member) }
  }

  /// Numbers of members of the last view that have not come are given to others from now on.
  mutating func releaseSeats() { seats = [:] }

  private func identity() -> Preamble {
    var identity = Preamble()
    identity.run = run
    identity.term = term
    identity.view = view
    identity.member = .coordinator
    identity.incarnation = incarnation
    return identity
  }

  /// Whatever is said from now on belongs to this view; what was asked in earlier ones is of no interest.
  mutating func enter(_ view: UInt32) {
    self.view = view
    let identity = identity()
    for incarnation in places.keys {
      places[incarnation]?.session.identity = identity
      // Whoever is to stop is told until it has heard.
      if places[incarnation]?.isLeaving == false { places[incarnation]?.session.forget() }
    }
  }

  // MARK: Hearing

  /// What a message of a process comes to.
  enum Heard {
    case nothing
    case send(Envelope, Route)
    /// A process has come.
    case joined(UInt64, Envelope, Route)
    case question(UInt64, request: UInt64, Message)
    case answer(UInt64, Message, to: Message)
    case beat(UInt64, Beat)
  }

  mutating func receive(_ envelope: Envelope, from route: Route, at time: Seconds) -> Heard {
    excuse(at: time)
    let preamble = envelope.preamble
    if case .register(let registration) = envelope.message {
      return register(registration, envelope, route, at: time)
    }
    guard preamble.run == run else { return refuse(.otherRun, envelope, route) }
    guard var place = places[preamble.incarnation] else {
      return refuse(.unknownMember(preamble.incarnation), envelope, route)
    }
    if !Mutant.keepOldRoute.isActive { place.session.route = route }
    defer { places[preamble.incarnation] = place }
    // What was said to an earlier coordinator, or in an earlier view, shows that its speaker lives, and nothing else.
    guard preamble.term == term, preamble.isFor(self.incarnation),
      preamble.view == view || !countsInItsView(envelope.message)
    else {
      place.session.hear(at: time)
      return .nothing
    }
    switch place.session.receive(envelope, at: time) {
    case .nothing: return .nothing
    case .repeated(let answer): return .send(answer, route)
    case .said(.beat(let beat)):
      if beat.done != place.beat.done { place.movedAt = time }
      place.beat = beat
      place.beatView = preamble.view
      return .beat(preamble.incarnation, beat)
    case .said(let message): return .question(preamble.incarnation, request: 0, message)
    case .question(let request, let message): return .question(preamble.incarnation, request: request, message)
    case .answer(let message, let question): return .answer(preamble.incarnation, message, to: question)
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

  /// An answer to somebody there is no session with.
  func reply(_ message: Message, to request: UInt64) -> Envelope {
    var preamble = identity()
    preamble.request = request
    return Envelope(preamble, message)
  }

  private mutating func register(
    _ registration: Registration, _ envelope: Envelope, _ route: Route, at time: Seconds
  ) -> Heard {
    let (request, incarnation) = (envelope.preamble.request, envelope.preamble.incarnation)
    guard envelope.preamble.run == 0 || envelope.preamble.run == run else {
      return refuse(.otherRun, envelope, route)
    }
    if places[incarnation] != nil {
      places[incarnation]?.session.route = route
      places[incarnation]?.session.hear(at: time)
      places[incarnation]?.registrationRequest = request
      guard let (envelope, route) = welcome(incarnation) else {
        return .send(stranger(.notYet, request: request), route)
      }
      return .send(envelope, route)
    }
    guard !forgotten.contains(incarnation) else { return refuse(.unknownMember(incarnation), envelope, route) }
    guard SlotShares.weights.contains(registration.weight) else {
      return refuse(.malformed("a weight of \(registration.weight)"), envelope, route)
    }
    guard registration.role != .coordinator else {
      return refuse(.malformed("a run has one coordinator"), envelope, route)
    }
    if registration.role == .worker, let mostWorkers, count(.worker) >= mostWorkers {
      // One of them may be dead, and this the one that takes its place.
      let isSure = all(.worker).allSatisfy { $0.session.silence(at: time) < Self.candidatePatience / 2 }
      return refuse(isSure ? .full("this run has the \(mostWorkers) workers it takes") : .notYet, envelope, route)
    }
    var place = Place(
      registration: registration, incarnation: incarnation, registrationRequest: request,
      session: Session(identity(), with: incarnation, route: route, timing: timing, at: time), movedAt: time,
      joinedAt: time)
    if isNumbered { place.member = vacancy(for: registration, incarnation) }
    places[incarnation] = place
    let answer = welcome(incarnation)?.0 ?? stranger(.notYet, request: request)
    return .joined(incarnation, answer, route)
  }

  /// The place that it had, or the lowest that is free.
  private func vacancy(for registration: Registration, _ incarnation: UInt64) -> Member {
    let given = Set(places.values.compactMap(\.member))
    if let seat = seats[incarnation], !given.contains(seat) { return seat }
    let taken = given.union(seats.values).union(retired)
    if let earlier = registration.standing?.member, earlier.role == registration.role, !taken.contains(earlier) {
      return earlier
    }
    let free = (0...).lazy.map { Member(registration.role, $0) }.first { !taken.contains($0) }
    return free!
  }

  private mutating func welcome(_ incarnation: UInt64) -> (Envelope, Route)? {
    guard let place = places[incarnation], let member = place.member, let route = place.session.route else {
      return nil
    }
    // Registrations are answered anew each time, so nothing is kept.
    var envelope = reply(.welcome(member), to: place.registrationRequest)
    envelope.preamble.addressee = incarnation
    return (envelope, route)
  }

  // MARK: Time

  /// Time that stood still for this process is nobody's silence. To be called before anything else happens at this time:
  /// what is asked or heard now must not be excused for what was before.
  ///
  /// - Returns: how long; 0 as a rule.
  @discardableResult mutating func excuse(at time: Seconds) -> Seconds {
    let lateness = ticks.lateness(at: time)
    guard lateness > 0 else { return 0 }
    for incarnation in places.keys {
      places[incarnation]?.session.excuse(lateness)
      places[incarnation]?.movedAt += lateness
    }
    return lateness
  }

  /// Beats, and questions to ask again.
  ///
  /// - Parameter isCounted: whether the process is in a view, or in one that is proposed.
  mutating func tick(at time: Seconds, isCounted: (UInt64) -> Bool) -> [(Envelope, Route)] {
    var messages: [(Envelope, Route)] = []
    for incarnation in places.keys.sorted() {
      guard var place = places[incarnation] else { continue }
      if !isCounted(incarnation), place.session.silence(at: time) > Self.candidatePatience {
        forget([incarnation])
        continue
      }
      if place.member != nil, let route = place.session.route {
        messages += place.session.due(at: time).map { ($0, route) }
        if place.session.isBeatDue(at: time) { messages.append((place.session.say(.beat(Beat())), route)) }
      }
      places[incarnation] = place
    }
    return messages
  }

  /// Those that have not been heard for the timeout.
  func silent(at time: Seconds) -> [Place] {
    all.filter { $0.session.silence(at: time) >= timing.timeout }
  }
}
