import Job
import Wire

/// The coordinator's orders, and what they take until there is something to train.
extension WorkerCore {
  /// Begins to carry out an order.
  ///
  /// - Parameter view: that the order was given in: the one promised last, or a later one.
  mutating func obey(_ control: Control, _ order: Order, _ view: UInt32, at time: Seconds) -> [Effect] {
    let wanted: WorkerOrder
    do {
      wanted = try control.decode()
    } catch {
      return answer(order, .refusal(.malformed("\(error)")))
    }
    switch wanted {
    case .propose: return promise(view, order)
    case .survey(let survey):
      leave()
      liaison.adopt(view)
      state = .surveying(order)
      return [.survey(survey, view: view)]
    case .adopt(let assignment): return adopt(assignment, order, view, at: time)
    case .train(let leases):
      if isSpare(in: view) { return report(order, .trained(stallSeconds: 0)) }
      return work(order, view) { $0.train(leases, order, at: $1, time) }
    case .evaluate(let round, let clock):
      if isSpare(in: view) { return report(order, .done) }
      return work(order, view) { $0.evaluate(round: round, clock: clock, order, at: $1, time) }
    case .stop:
      state = .ended
      return report(order, .done) + [.end(nil)]
    }
  }

  /// Orders to work are for the view that the worker stands in, and come one at a time.
  private mutating func work(
    _ order: Order, _ view: UInt32, _ body: (inout WorkerCore, Post) -> [Effect]
  ) -> [Effect] {
    guard view == self.view, case .ready(let post) = state else {
      return answer(order, .refusal(.malformed("an order to work for one that is not ready")))
    }
    return body(&self, post)
  }

  private func isSpare(in view: UInt32) -> Bool {
    if case .spare = state { view == self.view } else { false }
  }

  // MARK: Leaving

  /// A proposal: what was ordered in earlier views is left, and never answered.
  private mutating func promise(_ view: UInt32, _ order: Order) -> [Effect] {
    if view > liaison.promised { leave() }
    liaison.promise(view)
    return report(order, .standing(view: self.view))
  }

  /// Leaves what was under way: what was asked for it is of no interest, and its results will not be.
  private mutating func leave() {
    liaison.session.forget { question in
      switch question {
      case .fetch, .scores: true
      default: false
      }
    }
    servers.forget()
    state = .idle
  }

  /// Another coordinator reigns, which will propose a view. Until then training goes on: it takes servers alone. Scores
  /// would be the old coordinator's, and what it was asked for is lost with it.
  mutating func loseCoordinator() {
    guard case .evaluating(_, _, let post) = state else { return }
    servers.forget()
    state = .ready(post)
  }

  /// The run went on without this worker, whose place may be another's by now. It offers itself once more; what it has
  /// fetched and found may be of use again.
  mutating func beginAnew(at time: Seconds) -> [Effect] {
    let name = liaison.member.map { "\($0)" } ?? "this worker"
    leave()
    servers = ServerSessions()
    liaison.beginAnew(at: time)
    return [
      .connect(servers: []),
      .say("the run went on without \(name), which offers itself to the coordinator at \(coordinator) anew"),
    ]
  }

  // MARK: Adopting

  private mutating func adopt(
    _ assignment: WorkerAssignment, _ order: Order, _ view: UInt32, at time: Seconds
  ) -> [Effect] {
    // What is prepared, read and computed is known by its view.
    guard view > assignedView else {
      return answer(order, .refusal(.malformed("a second assignment in view \(view)")))
    }
    do throws(AssignmentError) {
      try assignment.validate()
    } catch {
      return answer(order, .refusal(.malformed("\(error)")))
    }
    leave()
    liaison.adopt(view)
    assignedView = view
    servers.begin(with: assignment.servers, liaison.session.identity, timing: timing, at: time)
    let connect = Effect.connect(servers: assignment.servers)
    guard !assignment.ownedSlices.isEmpty else {
      state = .spare
      return [connect, .say("\(liaison.member!): spare: the run has no slice for it")] + report(order, .adopted)
    }
    let named = Set(assignment.data.all)
    articles = articles.filter { named.contains($0.key) }
    state = .fetching(order, assignment, ArticleFetch(named.filter { articles[$0] == nil }))
    return [connect] + fetch(at: time)
  }

  /// Asks for more of what is lacking, or goes on when nothing is.
  private mutating func fetch(at time: Seconds) -> [Effect] {
    guard case .fetching(let order, let assignment, var fetch) = state else { return [] }
    guard !fetch.isDone else {
      state = .preparing(order, assignment)
      return [
        .prepare(Preparation(view: self.view, assignment: assignment, articles: articles, ownFiles: ownFiles))
      ]
    }
    let effects = fetch.next().map { Effect.send(liaison.session.ask(.fetch($0), at: time), to: .coordinator) }
    state = .fetching(order, assignment, fetch)
    return effects
  }

  mutating func take(_ piece: Piece, for question: Fetch, at time: Seconds) throws(WorkerError) -> [Effect] {
    guard case .fetching(let order, let assignment, var fetch) = state else { return [] }
    // The pieces' one owner, so that taking one copies none.
    state = .idle
    if let article = try fetch.take(piece, for: question) { articles[article.digest] = article.bytes }
    state = .fetching(order, assignment, fetch)
    done += 1
    return self.fetch(at: time)
  }

  mutating func ready(_ prepared: Prepared) -> [Effect] {
    guard case .preparing(let order, let assignment) = state, prepared.view == self.view else { return [] }
    done += 1
    state = .ready(Post(assignment, prepared))
    let sentence = "\(liaison.member!): slices \(assignment.ownedSlices), \(prepared.threads) threads"
    return [.say(sentence)] + report(order, .adopted)
  }

  // MARK: Surveying

  mutating func surveyed(_ result: SurveyResult, _ view: UInt32) -> [Effect] {
    guard case .surveying(let order) = state, view == self.view else { return [] }
    done += 1
    ownFiles = (result.train?.files ?? []) + (result.valid?.files ?? [])
    state = .idle
    return report(order, .surveyed(result))
  }
}
