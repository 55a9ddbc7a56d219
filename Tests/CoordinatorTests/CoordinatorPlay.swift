import Checkpoint
import Job
import Sharding
import Testing
import Wire

@testable import Coordinator

/// A coordinator's core with its members and its catalogue played by hand. Messages reach each other at once; members do
/// by themselves what they are willing to, and the catalogue what it is not slow to do.
final class CoordinatorPlay {
  var core: CoordinatorCore
  var time: Seconds = 0
  var processes: [Process] = []
  private(set) var outcome: Outcome?
  /// What the catalogue holds.
  private(set) var history = RunHistory()
  private(set) var notes: [String] = []
  private(set) var commits: [CheckpointRecord] = []
  private(set) var lastView: UInt32 = 0
  private(set) var lastCheckpoint = 0
  private var term: UInt32 = 1
  /// By server, where it wrote.
  private var files: [Int: Set<String>] = [:]
  /// What the catalogue is told, and waits with.
  enum Entry { case viewNumber, view, checkpointNumber, epoch, commit }
  var slow: Set<Entry> = [.commit]
  private var pending: [(entry: Entry, event: CoordinatorCore.Event)] = []
  private var said: [String] = []

  init(_ needs: ClusterNeeds = ClusterNeeds(servers: 2, workers: 2)) {
    core = Self.core(needs, term: 1, history: RunHistory(), at: 0)
  }

  private static func core(
    _ needs: ClusterNeeds, term: UInt32, history: RunHistory, expectsMembers: Bool = true, at time: Seconds
  ) -> CoordinatorCore {
    CoordinatorCore(
      cluster: needs, run: 7, term: term, incarnation: 1000 + UInt64(term), history: history,
      expectsMembers: expectsMembers, timing: Timing(timeout: 20), at: time)
  }

  /// One whose processes have all registered for a plan, and have adopted its first view.
  static func gathered(
    _ plan: Plan, _ needs: ClusterNeeds = ClusterNeeds(servers: 2, workers: 2), files: [[String]] = []
  ) -> CoordinatorPlay {
    let play = CoordinatorPlay(needs)
    _ = play.tell(.start(plan))
    for number in 0..<needs.servers { play.join(.server, number) }
    for number in 0..<needs.workers { play.join(.worker, number, files: files.isEmpty ? [] : files[number]) }
    return play
  }

  subscript(member: Member) -> Process { processes.last { $0.member == member && !$0.isDead }! }
  var view: ViewRecord? { core.view }

  // MARK: Processes

  @discardableResult func join(
    _ role: Member.Role, _ number: Int, incarnation: UInt64? = nil, weight: Double = 1, files: [String] = []
  ) -> [String] {
    let place = processes.count
    let process = Process(
      Sample.registration(role, number, weight: weight, files: files), incarnation: incarnation ?? UInt64(500 + place),
      route: UInt8(place + 1))
    processes.append(process)
    return receive(process.register(), process)
  }

  /// The process dies, and whoever watches it says so.
  @discardableResult func kill(_ process: Process) -> [String] {
    process.isDead = true
    let registration = process.registration
    return tell(.died(host: registration.host, process: registration.process, "\(process.member!) died"))
  }

  func receive(_ envelope: Envelope, _ process: Process) -> [String] {
    tell(.received(envelope, from: process.route))
  }

  /// The answer to the oldest order that the member was given.
  @discardableResult func report(_ report: some Encodable, _ member: Member) throws -> [String] {
    receive(try self[member].report(report), self[member])
  }

  /// Everyone beats, and time goes on.
  @discardableResult func wait(_ seconds: Seconds, moving: Bool = false, silent: Process? = nil) -> [String] {
    var sentences: [String] = []
    let end = time + seconds
    while time < end - 0.01 {
      time += 0.1
      for process in processes where process !== silent && process.member != nil && !process.isDead {
        if moving { process.beat.done = UInt64(time * 10) }
        sentences += receive(process.saysBeat(), process)
      }
      sentences += tell(.tick)
    }
    return sentences
  }

  // MARK: Events

  /// Tells the core, delivers what it sends, and returns the rest as sentences.
  @discardableResult func tell(_ event: CoordinatorCore.Event) -> [String] {
    let before = said.count
    perform(event)
    return Array(said[before...])
  }

  private func perform(_ event: CoordinatorCore.Event) {
    var answers: [(Envelope, Process)] = []
    for effect in core.receive(event, at: time) {
      switch effect {
      case .send(let envelope, let route): answers += deliver(envelope, route)
      case .reserveView:
        lastView += 1
        write(.viewNumber, .viewReserved(lastView))
      case .record(let view):
        #expect(!(history.lastView.map { $0.number >= view.number } ?? false), "numbers of views grow")
        history.lastView = view
        if view.isRewound { history.epochs.removeAll { $0.stage == view.stage && $0.clock > view.clock } }
        for member in view.members { files[member.number, default: []].formUnion([member.folder].compactMap { $0 }) }
        said.append(Sentence.view(view))
        write(.view, .viewRecorded)
      case .reserveCheckpoint:
        lastCheckpoint += 1
        write(.checkpointNumber, .checkpointReserved(lastCheckpoint))
      case .recordEpoch(let epoch):
        #expect(epoch.epoch == history.epochs(ofStage: epoch.stage).count + 1)
        history.epochs.append(epoch)
        said.append("record epoch \(epoch.epoch)")
        write(.epoch, .epochRecorded)
      case .commit(let checkpoint):
        #expect(history.checkpoints.allSatisfy { $0.number < checkpoint.number && $0.step <= checkpoint.step })
        commits.append(checkpoint)
        history.checkpoints.append(checkpoint)
        for index in history.epochs.indices where history.epochs[index].clock == checkpoint.step {
          history.epochs[index].checkpoint = checkpoint.number
        }
        said.append(Sentence.commit(checkpoint))
        write(.commit, .committed)
      case .note(let sentence): notes.append(sentence)
      case .progress: said.append("progress")
      case .epochDone(let epoch): said.append("epoch \(epoch.epoch) done")
      case .say(let sentence): said.append("say: \(sentence)")
      case .finish(let outcome):
        self.outcome = outcome
        said.append(Sentence.outcome(outcome))
      }
    }
    for (envelope, process) in answers { perform(.received(envelope, from: process.route)) }
  }

  private func deliver(_ envelope: Envelope, _ route: Route) -> [(Envelope, Process)] {
    let process = processes.last { $0.route == route }
    process?.hear(envelope)
    if case .refusal(let refusal) = envelope.message { said.append("refuse \(route.bytes): \(refusal)") }
    guard let process else { return [] }
    if case .order = envelope.message, let member = process.member {
      said.append("\(member): \(Sentence.order(envelope.message, to: member, view: envelope.preamble.view))")
    }
    return process.obey().map { ($0, process) }
  }

  private func write(_ entry: Entry, _ event: CoordinatorCore.Event) {
    if slow.contains(entry) { pending.append((entry, event)) } else { perform(event) }
  }

  /// The catalogue has written the oldest of these.
  @discardableResult func written(_ entry: Entry) throws -> [String] {
    let index = try #require(pending.firstIndex { $0.entry == entry })
    return tell(pending.remove(at: index).event)
  }

  /// Another coordinator reigns over what the catalogue holds. Members are yet to hear of it.
  func reign(_ plan: Plan, expectsMembers: Bool = true) -> [String] {
    term += 1
    pending = []
    history.incarnations = files.mapValues(\.count)
    core = Self.core(core.cluster, term: term, history: history, expectsMembers: expectsMembers, at: time)
    return tell(.start(plan))
  }

  /// A member hears of another coordinator.
  @discardableResult func `return`(_ process: Process) -> [String] {
    process.returns()
    return receive(process.register(), process)
  }

  var failure: String? { if case .failed(let sentence)? = outcome { sentence } else { nil } }
}
