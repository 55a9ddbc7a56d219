import Checkpoint
import Job
import Sharding
import Testing
import Wire

@testable import Coordinator

/// A run's programme with its members played by hand; what it wants is read as sentences.
struct ProgramPlay {
  var program: RunProgram
  var time: Seconds = 0
  private(set) var commits: [(epoch: EpochRecord, checkpoint: CheckpointRecord)] = []
  private(set) var outcome: Outcome?
  private(set) var progress: [RunProgress] = []

  init(_ plan: Plan, members: [Place] = Sample.places()) { program = RunProgram(plan, members: members) }

  /// One whose members have all adopted, and what they were asked then.
  static func adopted(_ plan: Plan) -> (play: ProgramPlay, asked: [String]) {
    var play = ProgramPlay(plan)
    _ = play.start()
    var asked: [String] = []
    for member in Sample.places().compactMap(\.member) { asked += play.adopt(member) }
    return (play, asked)
  }

  mutating func start() -> [String] { read(program.start()) }
  mutating func committed() -> [String] { read(program.committed(at: time)) }
  mutating func interrupt() -> [String] { read(program.interrupt()) }
  mutating func fail(_ sentence: String) -> [String] { read(program.fail(sentence)) }

  mutating func adopt(_ member: Member) -> [String] {
    member.role == .server ? report(ServerReport.adopted, member) : report(WorkerReport.adopted, member)
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

  mutating func beat(_ beat: Beat, _ member: Member) -> [String] {
    read(program.receive(beat, from: member, at: time))
  }

  /// All members train an epoch; returns what comes of the last.
  mutating func train(totals: StepTotals = StepTotals(rows: 40, lossSum: 20)) -> [String] {
    var last: [String] = []
    for number in 0..<2 {
      last = report(WorkerReport.trained(stallSeconds: 1), .worker(number))
      last = report(ServerReport.settled(totals), .server(number))
    }
    return last
  }

  /// Both workers score what there is; returns what comes of the last.
  mutating func evaluate(round: Int, quality: Float = 1) -> [String] {
    for chunk in 0..<2 { _ = score(Sample.scores(round: round, chunk: chunk, quality: quality), chunk) }
    _ = report(WorkerReport.done, .worker(0))
    return report(WorkerReport.done, .worker(1))
  }

  /// Both servers write; returns what comes of the last.
  mutating func write() -> [String] {
    _ = report(ServerReport.written(slots: 3, bytes: 100), .server(0))
    return report(ServerReport.written(slots: 4, bytes: 50), .server(1))
  }

  private mutating func read(_ effects: [RunProgram.Effect]) -> [String] {
    effects.map { effect in
      switch effect {
      case .ask(let member, let message): return "\(member): \(Sentence.order(message, to: member))"
      case .answer(let member, _, let message): return "answer \(member): \(message.name)"
      case .commit(let epoch, let checkpoint):
        commits.append((epoch, checkpoint))
        return Sentence.commit(epoch, checkpoint)
      case .progress(let progress):
        self.progress.append(progress)
        return "progress"
      case .epochDone(let epoch): return "epoch \(epoch.epoch) done"
      case .say(let sentence): return "say: \(sentence)"
      case .finish(let outcome):
        self.outcome = outcome
        return Sentence.outcome(outcome)
      }
    }
  }

  var result: RunResult? { if case .completed(let result)? = outcome { result } else { nil } }
  var failure: String? { if case .failed(let sentence)? = outcome { sentence } else { nil } }
}
