import Wire

/// Being alive is not progress (ARCHITECTURE.md, promise 4): notices a run in which nobody gets on, and says who holds it.
enum ProgressWatch {
  /// - Returns: a sentence, if no member's work has moved for `timeout` seconds.
  static func standstill(of places: [Place], timeout: Seconds, at time: Seconds) -> String? {
    guard let last = places.map(\.movedAt).max(), time - last >= timeout else { return nil }
    let seconds = Int(time - last)
    // Whoever has work of its own holds the others.
    if let holder = places.first(where: { $0.beat.activity.isOwnWork }) {
      return "\(holder.name) has been \(describe(holder.beat.activity)) for \(seconds) s without getting on"
        + waiting(for: holder, among: places) + ". See its log"
    }
    // Else somebody waits for an answer that the other side does not know to owe: they do not reach each other. Whoever is
    // furthest behind holds the rest, who wait for servers that wait for it.
    let waiting = places.filter { !$0.beat.activity.waitsFor.isEmpty }
    if let place = waiting.min(by: { ($0.beat.activity.step ?? 0) < ($1.beat.activity.step ?? 0) }),
      let other = places.filter({ $0.member.map(place.beat.activity.waitsFor.contains) ?? false }).min(by: isBehind)
    {
      let address = other.registration.endpoint.map { " at \($0)" } ?? ""
      return "\(place.name) has been \(describe(place.beat.activity)) for \(seconds) s, and waits for \(other.name), "
        + "which is \(describe(other.beat.activity)). Can \(place.registration.host) reach it\(address)? "
        + "Servers on other hosts need --listen with an address that workers can reach"
    }
    let all = places.map { "\($0.name) is \(describe($0.beat.activity))" }.joined(separator: ", ")
    return "nothing has moved for \(seconds) s: \(all). See their logs"
  }

  /// Whether a server lacks more than another: it is at an earlier step, or has fewer slices of the same.
  private static func isBehind(_ left: Place, _ right: Place) -> Bool {
    let (one, other) = (left.beat.activity, right.beat.activity)
    return (one.step ?? 0, -one.slices.count) < (other.step ?? 0, -other.slices.count)
  }

  private static func waiting(for holder: Place, among places: [Place]) -> String {
    let others = places.filter { place in holder.member.map { place.beat.activity.waitsFor.contains($0) } ?? false }
    guard !others.isEmpty else { return "" }
    return "; " + others.compactMap { $0.member.map { "\($0)" } }.joined(separator: ", ") + " wait"
  }

  /// `computing slices 3, 4 of step 17`.
  static func describe(_ activity: Activity) -> String {
    var text = activity.kind.rawValue
    switch activity.kind {
    case .pulling: text = "pulling the rows"
    case .pushing: text = "pushing gradients"
    case .collecting: text = "waiting for gradients"
    default: break
    }
    if !activity.slices.isEmpty {
      text += " of slices " + activity.slices.prefix(8).map(String.init).joined(separator: ", ")
      if activity.slices.count > 8 { text += ", ..." }
    }
    if let step = activity.step { text += " of step \(step)" }
    return text
  }
}
