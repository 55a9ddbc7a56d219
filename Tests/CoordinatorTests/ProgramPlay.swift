import Checkpoint
import Job
import Sharding
import Testing
import Wire

@testable import Coordinator

/// A run's programme with its members played by hand; what it wants is read as sentences.
struct ProgramPlay {
  var program: RunProgram
  var time: Seconds = 1
  private(set) var commits: [CheckpointRecord] = []
  private(set) var epochs: [EpochRecord] = []
  private(set) var outcome: Outcome?
  private(set) var progress: [RunProgress] = []
  private var number: Int
  /// Whether checkpoints get their numbers at once, servers hold their state at once, and the catalogue records epochs at once.
  var isNumbering = true
  var isHolding = true
  var isRecording = true

  init(_ plan: Plan, history: RunHistory = RunHistory()) {
    program = RunProgram(plan, run: 7, history: history)
    number = history.checkpoints.last?.number ?? 0
  }

  /// One whose members have all adopted, and what they were asked then.
  static func adopted(
    _ plan: Plan, history: RunHistory = RunHistory(), view: ViewRecord = Sample.view()
  ) -> (play: ProgramPlay, asked: [String]) {
    var play = ProgramPlay(plan, history: history)
    _ = play.enter(view)
    let asked = play.adoptAll()
    return (play, asked)
  }

  mutating func enter(_ view: ViewRecord = Sample.view()) -> [String] { read(program.enter(view, at: time)) }
  mutating func committed() -> [String] { read(program.committed(at: time)) }
  mutating func recorded() -> [String] { read(program.recorded(at: time)) }
  mutating func interrupt() -> [String] { read(program.interrupt()) }
  mutating func fail(_ sentence: String) -> [String] { read(program.fail(sentence)) }
  mutating func reserved(_ number: Int) -> [String] { read(program.reserved(number)) }

  mutating func adopt(_ member: Member) -> [String] {
    member.role == .server ? report(ServerReport.adopted, member) : report(WorkerReport.adopted, member)
  }

  mutating func adoptAll() -> [String] {
    (program.members(.server) + program.members(.worker)).flatMap { adopt($0) }
  }

  mutating func report(_ report: ServerReport, _ member: Member) -> [String] {
    read(program.receive(.report(Control(report)), from: member, at: time))
  }

  mutating func report(_ report: WorkerReport, _ member: Member) -> [String] {
    read(program.receive(.report(Control(report)), from: member, at: time))
  }

  mutating func answer(_ message: Message, _ member: Member) -> [String] {
    read(program.receive(message, from: member, at: time))
  }

  mutating func score(_ scores: Scores, _ worker: Int) -> [String] {
    read(program.receive(scores, request: 5, from: .worker(worker), at: time))
  }

  mutating func beat(_ clock: UInt64, rows: UInt64 = 20, _ member: Member = .server(0)) -> [String] {
    var beat = Beat(done: clock)
    (beat.clock, beat.totals) = (clock, StepTotals(rows: rows, lossSum: 5))
    return self.beat(beat, member)
  }

  mutating func beat(_ beat: Beat, _ member: Member) -> [String] {
    read(program.receive(beat, from: member, at: time))
  }

  /// All members train an epoch; returns what comes of the last.
  mutating func train(totals: StepTotals = StepTotals(rows: 40, lossSum: 20)) -> [String] {
    var last: [String] = []
    for number in 0..<2 {
      last = report(WorkerReport.trained(stallSeconds: 1), .worker(number))
      last = report(ServerReport.settled(Settlement(totals: totals)), .server(number))
    }
    return last
  }

  /// Both workers score what there is; returns what comes of the last.
  mutating func evaluate(round: Int, quality: Float = 1) -> [String] {
    for chunk in 0..<2 { _ = score(Sample.scores(round: round, chunk: chunk, quality: quality), chunk) }
    _ = report(WorkerReport.done, .worker(0))
    return report(WorkerReport.done, .worker(1))
  }

  static func part(_ server: Int = 0, _ slots: Int = 1, _ bytes: Int = 2) -> ServerReport {
    .written(
      CheckpointPart(
        server: server, path: "s\(server)/part", slots: slots, rows: slots, bytes: bytes, digest: SHA256.hash([])))
  }

  /// Both servers hold a checkpoint's state; returns what comes of the last.
  mutating func hold(rows: UInt64 = 40) -> [String] {
    let held = ServerReport.held(StepTotals(rows: rows, lossSum: 20))
    _ = report(held, .server(0))
    return report(held, .server(1))
  }

  /// Both servers write; returns what comes of the last.
  mutating func write() -> [String] {
    _ = report(Self.part(0, 3, 100), .server(0))
    return report(Self.part(1, 4, 50), .server(1))
  }

  private mutating func read(_ effects: [RunProgram.Effect]) -> [String] {
    var holders: [Member] = []
    let sentences = effects.flatMap { effect -> [String] in
      switch effect {
      case .ask(let member, let message):
        let sentence = Sentence.order(message, to: member)
        if sentence.hasPrefix("checkpoint") { holders.append(member) }
        return ["\(member): \(sentence)"]
      case .answer(let member, _, let message): return ["answer \(member): \(message.name)"]
      case .reserveCheckpoint:
        guard isNumbering else { return ["number"] }
        number += 1
        return reserved(number)
      case .record(let epoch):
        epochs.append(epoch)
        return ["record epoch \(epoch.epoch)"] + (isRecording ? recorded() : [])
      case .commit(let checkpoint):
        commits.append(checkpoint)
        return [Sentence.commit(checkpoint)]
      case .progress(let progress):
        self.progress.append(progress)
        return ["progress"]
      case .epochDone(let epoch): return ["epoch \(epoch.epoch) done"]
      case .say(let sentence): return ["say: \(sentence)"]
      case .note(let sentence): return ["note: \(sentence)"]
      case .finish(let outcome):
        self.outcome = outcome
        return [Sentence.outcome(outcome)]
      }
    }
    guard isHolding else { return sentences }
    return sentences + holders.flatMap { report(ServerReport.held(StepTotals(rows: 40, lossSum: 20)), $0) }
  }

  var result: RunResult? { if case .completed(let result)? = outcome { result } else { nil } }
  var failure: String? { if case .failed(let sentence)? = outcome { sentence } else { nil } }
}
