import Wire

/// What members are asked and answered.
extension Membership {
  /// Asks a process; the answer comes as `Heard.answer`.
  mutating func ask(_ incarnation: UInt64, _ message: Message, at time: Seconds) -> [(Envelope, Route)] {
    guard let envelope = places[incarnation]?.session.ask(message, at: time),
      let route = places[incarnation]?.session.route
    else { return [] }
    return [(envelope, route)]
  }

  mutating func answer(_ incarnation: UInt64, _ request: UInt64, _ message: Message) -> [(Envelope, Route)] {
    guard let envelope = places[incarnation]?.session.answer(request, message),
      let route = places[incarnation]?.session.route
    else { return [] }
    return [(envelope, route)]
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
}
