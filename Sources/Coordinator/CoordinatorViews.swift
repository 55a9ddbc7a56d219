import Checkpoint
import Job
import Sharding
import Wire

/// From one view to the next: gathering, proposing, deciding, reigning.
extension CoordinatorCore {
  // MARK: Gathering

  /// Begins a view once those are there with whom the run can begin, or go on.
  mutating func gather(at time: Seconds) -> [Effect] {
    guard case .gathering(let since) = stance, let plan else { return [] }
    let waited = time - since
    let (servers, workers) = (membership.count(.server), membership.count(.worker))
    if let dataWait {
      if time - dataWait.since >= cluster.waitForData { return end(at: time) { $0.fail(dataWait.sentence) } }
      let hasSomebodyCome = membership.all(.worker).contains { !dataWait.asked.contains($0.incarnation) }
      return hasSomebodyCome ? begin(at: time) : say(dataWait.sentence, at: time)
    }
    let hasBegun = lastView != nil
    // A run that was under way waits for servers that it lacks, not for workers.
    let isComplete = servers >= cluster.servers && workers >= (nextReason == nil ? cluster.workers : 1)
    let isAwaiting = !awaited.isEmpty && waited < min(timing.timeout, Self.reunion)
    if isComplete, !isAwaiting { return begin(at: time) }
    // Whoever the run had is not needed to the last one, if nobody comes in their place.
    if hasBegun, waited >= timing.timeout, servers > 0, workers > 0, !isAwaiting {
      isPatienceOver = true
      return begin(at: time)
    }
    let missing =
      "\(max(0, cluster.servers - servers)) of \(cluster.servers) servers and "
      + "\(max(0, cluster.workers - workers)) of \(cluster.workers) workers"
    if waited >= max(plan.gatherSeconds, hasBegun ? timing.timeout : 0), !isComplete {
      return end(at: time) {
        $0.fail(
          "after \(Int(waited)) s still waiting for \(missing). Start them with this coordinator's address, and check "
            + "that they can reach it")
      }
    }
    return say("waiting for \(missing)", at: time)
  }

  /// For people who wait: not too often.
  private mutating func say(_ sentence: String, at time: Seconds) -> [Effect] {
    guard time - lastSaid >= 5 else { return [] }
    lastSaid = time
    return [.say(sentence)]
  }

  /// How long a new reign waits for members of the last view.
  static let reunion: Seconds = 3

  private mutating func begin(at time: Seconds) -> [Effect] {
    let welcomes = send(membership.number())
    awaited = []
    membership.releaseSeats()
    return welcomes + reserve(nextReason ?? (lastView == nil ? "the run begins" : "the run goes on"))
  }

  /// The first step to another view. Nothing of the present one goes on.
  mutating func reserve(_ reason: String) -> [Effect] {
    nextReason = nil
    program?.leave()
    stance = .reserving(reason: reason)
    return [.reserveView]
  }

  // MARK: Proposing

  /// Proposes a view to all who are there.
  mutating func propose(_ reserved: UInt32, at time: Seconds) -> [Effect] {
    guard case .reserving(let reason) = stance, plan != nil else { return [] }
    let number = Mutant.reuseView.isActive ? (lastView?.number ?? 0) + 1 : reserved
    let targets = membership.all.filter { $0.member != nil && !$0.isLeaving }
    membership.enter(number)
    var proposal = Proposal(number: number, reason: reason, since: time, waiting: Set(targets.map(\.incarnation)))
    proposal.isStandstill = isStandstill
    isStandstill = false
    stance = .proposing(proposal)
    return targets.flatMap { place in
      let order =
        place.registration.role == .server ? Control(ServerOrder.propose) : Control(WorkerOrder.propose)
      return send(membership.ask(place.incarnation, .order(order), at: time))
    } + decide(at: time)
  }

  /// A member's answer to the proposal.
  mutating func answered(_ message: Message, by incarnation: UInt64, at time: Seconds) -> [Effect] {
    guard case .proposing(var proposal) = stance, proposal.waiting.contains(incarnation),
      let place = membership[incarnation]
    else { return [] }
    guard case .report(let report) = message else {
      return end(at: time) { $0.fail("\(place.name) refused a proposal: \(message.name)") }
    }
    switch place.registration.role {
    case .server:
      guard case .standing(let standing)? = try? report.decode(ServerReport.self) else {
        return end(at: time) { $0.fail("\(place.name) answered a proposal with something else") }
      }
      proposal.servers[incarnation] = standing
    default:
      guard case .standing(let view)? = try? report.decode(WorkerReport.self) else {
        return end(at: time) { $0.fail("\(place.name) answered a proposal with something else") }
      }
      proposal.workers[incarnation] = view
    }
    proposal.waiting.remove(incarnation)
    stance = .proposing(proposal)
    return decide(at: time)
  }

  // MARK: Deciding

  /// Everyone has answered: what the view is to be.
  mutating func decide(at time: Seconds) -> [Effect] {
    guard case .proposing(let proposal) = stance, proposal.isComplete, let plan, let program,
      !program.isWriting
    else { return [] }
    let answered = membership.all.filter {
      proposal.servers[$0.incarnation] != nil || proposal.workers[$0.incarnation] != nil
    }
    let servers = answered.filter { $0.registration.role == .server }
    let workers = answered.filter { $0.registration.role == .worker }
    guard !servers.isEmpty, !workers.isEmpty else { return wait(proposal.reason, at: time) }
    let stayingServers = staying(servers)
    let change = ViewChange(
      replicas: plan.model == nil ? nil : cluster.replicas,
      before: lastView?.stage == plan.stage ? lastView : nil, recorded: program.settledClock,
      base: Mutant.beginAgain.isActive ? plan.model?.start.clock ?? 0 : program.recordedClock,
      servers: Dictionary(
        uniqueKeysWithValues: servers.map {
          ($0.member!.number, ($0.incarnation, proposal.servers[$0.incarnation]!))
        }), staying: stayingServers.map(\.taker), target: target)
    let deal = change.decide()
    if deal.isRewound, servers.count < cluster.servers, !isPatienceOver { return wait(proposal.reason, at: time) }
    // Whoever is to leave goes on where nobody else has its data.
    let takers = canRead(staying(workers)) ? staying(workers) : workers
    guard let (slices, covered) = self.slices(of: plan, for: takers) else {
      return waitForData(plan, workers, at: time)
    }
    if let sentence = casualties.verdict(at: deal.clock) { return end(at: time) { $0.fail(sentence) } }
    speculation.covered = covered
    return record(deal, slices, servers, takers, proposal)
  }

  /// Those that nobody wants to leave; all, where nobody else is there.
  private func staying(_ places: [Place]) -> [Place] {
    let staying = places.filter { !$0.isDraining }
    return staying.isEmpty ? places : staying
  }

  private func slices(of plan: Plan, for workers: [Place]) -> (slices: [Int: [Int]], covered: Set<Int>)? {
    guard let model = plan.model else { return ([:], []) }
    return SliceDeal.deal(
      slices: plan.settings.optimization.slices,
      to: workers.map { .init(number: $0.member!.number, readable: model.data.readable(with: $0.registration.files)) },
      covering: Set(workers.filter { speculation.late.contains($0.incarnation) }.map { $0.member!.number }))
  }

  /// Whether workers have all the data among them.
  func canRead(_ workers: [Place]) -> Bool { plan.map { slices(of: $0, for: workers) != nil } ?? true }

  private mutating func wait(_ reason: String, at time: Seconds) -> [Effect] {
    stance = .gathering(since: time)
    nextReason = reason
    dataWait = nil
    return []
  }

  /// Somebody was the only one who had some files.
  private mutating func waitForData(_ plan: Plan, _ workers: [Place], at time: Seconds) -> [Effect] {
    let had = Set(workers.flatMap(\.registration.files))
    let missing = (plan.model?.data.files ?? []).reduce(into: Set<String>()) { $0.formUnion($1) }.subtracting(had)
    let sentence =
      "no worker has \(missing.sorted().prefix(5).joined(separator: ", "))\(missing.count > 5 ? ", ..." : "")"
      + (lastLoss.map { "; \($0)" } ?? "") + ". Start a worker with --files on a host that has them"
    // Whoever else comes leads to another try.
    dataWait = DataWait(since: dataWait?.since ?? time, sentence: sentence, asked: Set(workers.map(\.incarnation)))
    stance = .gathering(since: time)
    return [.say(sentence), .note(sentence)]
  }

  private mutating func record(
    _ deal: ViewChange.Deal, _ slices: [Int: [Int]], _ servers: [Place], _ workers: [Place], _ proposal: Proposal
  ) -> [Effect] {
    guard let plan else { return [] }
    let needed = Set(deal.slots?.servers ?? [])
    // A server that is to leave does so with its last slot.
    let stayingServers = servers.filter { !$0.isDraining || needed.contains($0.member!.number) || deal.slots == nil }
    let members = (stayingServers + workers).map { place in
      MemberRecord(
        role: "\(place.registration.role)", number: place.member!.number, incarnation: place.incarnation,
        host: place.registration.host, process: place.registration.process, endpoint: place.registration.endpoint,
        folder: place.registration.role == .server ? folder(of: place, plan) : nil,
        slices: place.registration.role == .worker ? slices[place.member!.number] ?? [] : [])
    }
    var view = ViewRecord(
      number: proposal.number, term: term, stage: plan.stage, clock: deal.clock, isRewound: deal.isRewound,
      slots: deal.slots, members: members, reason: proposal.reason)
    if deal.isRewound, lastView?.stage == plan.stage, lastView?.slots != nil {
      view.reason += "; all go back to step \(deal.clock)"
    }
    stoodStillAt = proposal.isStandstill ? deal.clock : nil
    stance = .recording(view)
    return [.record(view)]
  }

  /// Each process writes to a directory of its own.
  private mutating func folder(of place: Place, _ plan: Plan) -> String? {
    guard case .train(_, let shards) = plan.purpose, let number = place.member?.number else { return nil }
    if let known = folders[place.incarnation] { return known }
    let earlier = history.incarnations[number, default: 0]
    history.incarnations[number] = earlier + 1
    let path = "\(shards)/server-\(number)\(earlier > 0 ? "-\(earlier + 1)" : "")"
    folders[place.incarnation] = path
    return path
  }

  // MARK: Reigning

  /// The view is on the disk: its members adopt it.
  mutating func reign(at time: Seconds) -> [Effect] {
    guard case .recording(let view) = stance else { return [] }
    history.lastView = view
    if view.isRewound { history.epochs.removeAll { $0.stage == view.stage && $0.clock > view.clock } }
    guard plan != nil else {
      stance = .gathering(since: time)
      return []
    }
    stance = .reigning(view)
    (isPatienceOver, dataWait, target, filling) = (false, nil, nil, nil)
    if balance?.enter(view.slots) == false { balance = nil }
    membership.noteProgress(at: time)
    var effects: [Effect] = []
    if view.number > 1 { effects.append(.say("view \(view.number): \(view.reason), from step \(view.clock) on")) }
    let members = Set(view.members.map(\.incarnation))
    for place in membership.all where place.isDraining && !place.isLeaving && !members.contains(place.incarnation) {
      membership.letGo(place.incarnation)
      let order = place.registration.role == .server ? Control(ServerOrder.stop) : Control(WorkerOrder.stop)
      effects += send(membership.ask(place.incarnation, .order(order), at: time))
    }
    let spares = view.members("worker").filter { $0.slices.isEmpty && plan?.model != nil }
    if !spares.isEmpty {
      let names = spares.map { "worker-\($0.number)" }.joined(separator: ", ")
      effects.append(.say("\(names): spare, since there are no more slices"))
    }
    speculation.enter(at: view.clock, time, workers: Set(membership.all(.worker).map(\.incarnation)))
    effects += run(at: time) { [covered = speculation.covered] in $0.enter(view, late: covered, at: time) }
    // Somebody may have died while it was written.
    if view.members.contains(where: { membership[$0.incarnation] == nil }) { return effects + reserve(view.reason) }
    return effects
  }
}
