import Sharding

/// What was asked and not answered yet, in the order of the requests' numbers.
struct Questions: Sendable {
  private struct Open: Sendable {
    let number: UInt64
    let message: Message
    let askedAt: Seconds
    var due: Seconds
    var wait: Seconds
    var wasRepeated = false
  }

  private var open: [Open] = []
  private var next: UInt64 = 1
  /// Smoothed time from question to answer, and its deviation (Jacobson, "Congestion Avoidance and Control", 1988).
  private var roundTrip = 0.0
  private var deviation = 0.0

  var isEmpty: Bool { open.isEmpty }
  var count: Int { open.count }
  var oldest: UInt64 { open.first?.number ?? next }

  mutating func open(_ message: Message, at time: Seconds, _ timing: Timing) -> UInt64 {
    defer { next += 1 }
    let wait = min(max(timing.firstResend, roundTrip + 4 * deviation), timing.mostResend)
    open.append(Open(number: next, message: message, askedAt: time, due: time + wait, wait: wait))
    return next
  }

  private func index(of number: UInt64) -> Int? {
    // Answers come roughly in the order of the questions, so the place is close to the front.
    open.firstIndex { $0.number == number }
  }

  mutating func close(_ number: UInt64, at time: Seconds) -> Message? {
    guard let index = index(of: number) else { return nil }
    let question = open.remove(at: index)
    // Which of the repetitions was answered is not known (P. Karn, C. Partridge, 1987).
    if !question.wasRepeated {
      let took = time - question.askedAt
      deviation = 0.75 * deviation + 0.25 * abs(took - roundTrip)
      roundTrip = 0.875 * roundTrip + 0.125 * took
    }
    return question.message
  }

  mutating func due(at time: Seconds, _ timing: Timing) -> [(number: UInt64, message: Message)] {
    var due: [(number: UInt64, message: Message)] = []
    for index in open.indices where open[index].due <= time && !Mutant.forgetTimers.isActive {
      open[index].wait = min(2 * open[index].wait, timing.mostResend)
      open[index].due = time + open[index].wait
      open[index].wasRepeated = true
      due.append((open[index].number, open[index].message))
    }
    return due
  }

  mutating func postpone(_ number: UInt64, at time: Seconds, _ timing: Timing) {
    guard let index = index(of: number) else { return }
    open[index].due = time + timing.firstResend
    open[index].wasRepeated = true
  }

  mutating func forget(_ isUnwanted: (Message) -> Bool) { open.removeAll { isUnwanted($0.message) } }

  mutating func excuse(_ lateness: Seconds) {
    for index in open.indices { open[index].due += lateness }
  }
}

/// What the peer asked, and what it was answered, as long as it may ask again.
struct Answers: Sendable {
  private var known: [UInt64: Message?] = [:]
  /// The peer has the answers to all requests before this one.
  private var oldest: UInt64 = 1

  enum Finding {
    case new
    case isUnderWay
    case answered(Message)
  }

  var count: Int { known.count }

  /// Far above what anyone has open at once; a peer that asks more is at fault.
  static let most = 4096

  mutating func find(_ request: UInt64) -> Finding {
    guard request >= oldest else { return .isUnderWay }
    guard let answer = known[request] else {
      guard known.count < Self.most else { return .isUnderWay }
      known[request] = .some(nil)
      return .new
    }
    return answer.map { .answered($0) } ?? .isUnderWay
  }

  mutating func keep(_ message: Message, of request: UInt64) {
    if known[request] != nil { known[request] = message }
  }

  mutating func forget(below oldest: UInt64) {
    guard oldest > self.oldest else { return }
    self.oldest = oldest
    known = known.filter { $0.key >= oldest }
  }
}
