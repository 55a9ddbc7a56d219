import Job
import Wire

/// Training and evaluating: what is leased, read, pulled and computed goes to the steps or blocks that are under way.
extension WorkerCore {
  mutating func train(_ leases: [Lease], _ order: Order, at post: Post, _ time: Seconds) -> [Effect] {
    do throws(AssignmentError) {
      let steps = try TrainingSteps(leases, at: post, time: time)
      state = .training(order, steps, post)
      return (steps.isDone ? [] : [.read(steps.order(at: post))]) + finishOrder()
    } catch {
      return answer(order, .refusal(.malformed("\(error)")))
    }
  }

  mutating func evaluate(
    round: Int, clock: UInt64, _ order: Order, at post: Post, _ time: Seconds
  ) -> [Effect] {
    var blocks = EvaluationBlocks(round: round, clock: clock, blocks: post.prepared.evaluationBlocks)
    let effects = blocks.isDone ? [] : blocks.begin(at: post, &servers, time: time)
    state = .evaluating(order, blocks, post)
    return effects + finishOrder()
  }

  mutating func begin(_ work: StepWork, at time: Seconds) -> [Effect] {
    guard work.view == self.view else { return [] }
    switch state {
    case .training(let order, var steps, let post):
      let effects = steps.begin(work, at: post, &servers, time: time)
      state = .training(order, steps, post)
      return effects
    case .evaluating(let order, var blocks, let post):
      let effects = blocks.begin(work, at: post, &servers, time: time)
      state = .evaluating(order, blocks, post)
      return effects
    default: return []
    }
  }

  /// Takes a server's answer.
  mutating func take(
    _ answer: Message, to question: Message, _ request: UInt64, from server: Int, at time: Seconds
  ) throws(WorkerError) -> [Effect] {
    switch (question, answer) {
    // The view is over, for that server at least. What wanted the answer stands still until the coordinator names the next,
    // and says for whom it waits meanwhile.
    case (_, .refusal(let reason)) where reason.remedy == .drop: return []
    case (_, .refusal(let reason)):
      throw .refused(by: .server(server), question: question.name, reason: reason)
    case (.pull(let pull), .rows(let rows)):
      done += 1
      return try take(rows, to: request, of: pull, from: server, at: time)
    case (.push(let push), .pushed):
      done += 1
      guard case .training(let order, var steps, let post) = state else { return [] }
      let effects = steps.pushed(push, at: post, &servers, time: time)
      state = .training(order, steps, post)
      return effects + finishOrder()
    default:
      throw .unexpected(from: .server(server), what: "\(answer.name) in answer to a \(question.name)")
    }
  }

  private mutating func take(
    _ rows: Rows, to request: UInt64, of pull: Pull, from server: Int, at time: Seconds
  ) throws(WorkerError) -> [Effect] {
    switch state {
    case .training(let order, var steps, let post):
      let effects = try steps.take(rows, to: request, of: pull, from: server, at: post, &servers, time: time)
      state = .training(order, steps, post)
      return effects
    case .evaluating(let order, var blocks, let post):
      let effects = try blocks.take(rows, to: request, from: server, at: post, &servers, time: time)
      state = .evaluating(order, blocks, post)
      return effects
    default: return []
    }
  }

  mutating func finish(
    _ work: StepWork, _ slice: Int, _ gradient: SliceGradient, at time: Seconds
  ) throws(WorkerError) -> [Effect] {
    guard work.view == self.view, case .training(let order, var steps, let post) = state else {
      return []
    }
    done += 1
    let effects = try steps.finish(work, slice: slice, gradient, at: post, &servers, time: time)
    state = .training(order, steps, post)
    return effects + finishOrder()
  }

  mutating func finish(_ work: StepWork, _ scores: Scores, at time: Seconds) -> [Effect] {
    guard work.view == self.view, case .evaluating(let order, var blocks, let post) = state,
      let effects = blocks.finish(work)
    else { return [] }
    done += 1
    let sent = Effect.send(liaison.session.ask(.scores(scores), at: time), to: .coordinator)
    let more = blocks.advance(at: post, &servers, time: time)
    state = .evaluating(order, blocks, post)
    return [sent] + effects + more
  }

  mutating func noted(at time: Seconds) -> [Effect] {
    done += 1
    guard case .evaluating(let order, var blocks, let post) = state else { return [] }
    let effects = blocks.noted(at: post, &servers, time: time)
    state = .evaluating(order, blocks, post)
    return effects + finishOrder()
  }

  /// Answers the order to train or evaluate once all of it is done.
  private mutating func finishOrder() -> [Effect] {
    switch state {
    case .training(let order, let steps, let post) where steps.isDone:
      state = .ready(post)
      return report(order, .trained(stallSeconds: steps.stallSeconds))
    case .evaluating(let order, let blocks, let post) where blocks.isDone:
      state = .ready(post)
      return report(order, .done)
    default: return []
    }
  }

  // MARK: Telling

  /// What the coordinator hears twice a second.
  var beat: Beat {
    var beat = Beat(done: done, activity: activity)
    if case .training(_, let steps, _) = state { beat.stallSeconds = steps.stallSeconds }
    return beat
  }

  private var activity: Activity {
    switch state {
    case .idle, .ready, .spare, .ended: Activity(.idle)
    case .surveying: Activity(.surveying)
    case .fetching: Activity(.fetching, waitsFor: [.coordinator])
    case .preparing: Activity(.reading)
    case .training(_, let steps, let post): steps.activity(post.homes)
    case .evaluating(_, let blocks, _): blocks.activity
    }
  }
}
