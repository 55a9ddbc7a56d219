import Job
import Wire

/// The coordinator's orders, and what they take until there is something to train.
extension WorkerCore {
  /// Begins to carry out an order.
  ///
  /// - Parameter view: that the order was given in.
  mutating func obey(_ control: Control, _ request: UInt64, _ view: UInt32, at time: Seconds) -> [Effect] {
    let order: WorkerOrder
    do {
      order = try control.decode()
    } catch {
      return [answer(request, .refusal(.malformed("\(error)")))]
    }
    switch order {
    case .survey(let survey):
      leave()
      state = .surveying(request)
      return [.survey(survey)]
    case .adopt(let assignment): return adopt(assignment, request, view, at: time)
    case .train(let leases): return work(request, view) { $0.train(leases, request, at: $1, time) }
    case .evaluate(let round, let clock):
      return work(request, view) { $0.evaluate(round: round, clock: clock, request, at: $1, time) }
    case .stop:
      state = .ended
      return [report(request, .done), .end(nil)]
    }
  }

  /// Orders to work are for the view that the worker stands in, and come one at a time.
  private mutating func work(
    _ request: UInt64, _ view: UInt32, _ body: (inout WorkerCore, Post) -> [Effect]
  ) -> [Effect] {
    guard view == self.view, case .ready(let post) = state else {
      return [answer(request, .refusal(.malformed("an order to work for one that is not ready")))]
    }
    return body(&self, post)
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

  // MARK: Adopting

  private mutating func adopt(
    _ assignment: WorkerAssignment, _ request: UInt64, _ view: UInt32, at time: Seconds
  ) -> [Effect] {
    // What is prepared, read and computed is known by its view.
    guard view > self.view else {
      return [answer(request, .refusal(.malformed("a second assignment in view \(view)")))]
    }
    do throws(AssignmentError) {
      try assignment.validate()
    } catch {
      return [answer(request, .refusal(.malformed("\(error)")))]
    }
    liaison.session.identity.view = view
    leave()
    servers.begin(count: assignment.slots.servers, liaison.session.identity, timing: timing, at: time)
    let named = Set(assignment.data.all)
    articles = articles.filter { named.contains($0.key) }
    state = .fetching(request, assignment, ArticleFetch(named.filter { articles[$0] == nil }))
    return [.connect(servers: Array(assignment.servers.prefix(assignment.slots.servers)))] + fetch(at: time)
  }

  /// Asks for more of what is lacking, or goes on when nothing is.
  private mutating func fetch(at time: Seconds) -> [Effect] {
    guard case .fetching(let request, let assignment, var fetch) = state else { return [] }
    guard !fetch.isDone else {
      state = .preparing(request, assignment)
      return [
        .prepare(
          Preparation(
            view: self.view, assignment: assignment, articles: articles, ownFiles: ownFiles))
      ]
    }
    let effects = fetch.next().map { Effect.send(liaison.session.ask(.fetch($0), at: time), to: .coordinator) }
    state = .fetching(request, assignment, fetch)
    return effects
  }

  mutating func take(_ piece: Piece, for question: Fetch, at time: Seconds) throws(WorkerError) -> [Effect] {
    guard case .fetching(let request, let assignment, var fetch) = state else { return [] }
    // The pieces' one owner, so that taking one copies none.
    state = .idle
    if let article = try fetch.take(piece, for: question) { articles[article.digest] = article.bytes }
    state = .fetching(request, assignment, fetch)
    done += 1
    return self.fetch(at: time)
  }

  mutating func ready(_ prepared: Prepared) -> [Effect] {
    guard case .preparing(let request, let assignment) = state, prepared.view == self.view else {
      return []
    }
    done += 1
    state = .ready(Post(assignment, prepared))
    return [
      .say("\(liaison.member!): slices \(assignment.ownedSlices), \(prepared.threads) threads"),
      report(request, .adopted),
    ]
  }

  // MARK: Surveying

  mutating func surveyed(_ result: SurveyResult) -> [Effect] {
    guard case .surveying(let request) = state else { return [] }
    done += 1
    ownFiles = (result.train?.files ?? []) + (result.valid?.files ?? [])
    state = .idle
    return [report(request, .surveyed(result))]
  }
}
