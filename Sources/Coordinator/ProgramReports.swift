import Checkpoint
import Job
import Sharding
import Wire

/// What members say, phase by phase.
extension RunProgram {
  /// A member's answer to an order, or its refusal.
  mutating func receive(_ answer: Message, from member: Member, at time: Seconds) -> [Effect] {
    do {
      switch (answer, member.role) {
      case (.report(let report), .server): return try receive(report.decode(ServerReport.self), from: member, at: time)
      case (.report(let report), .worker): return try receive(report.decode(WorkerReport.self), from: member, at: time)
      case (.refusal(let refusal), _): return fail("\(member) refused an order: \(refusal)")
      default: return []
      }
    } catch {
      return fail("\(member) answered an order with something else: \(error)")
    }
  }

  private mutating func receive(_ report: ServerReport, from member: Member, at time: Seconds) throws -> [Effect] {
    switch (phase, report) {
    case (_, .held(let totals)): return held(totals, missedAt: nil, by: member, at: time)
    case (_, .missed(let clock)): return held(nil, missedAt: clock, by: member, at: time)
    case (_, .written(let part)): return written(part, failure: nil, by: member, at: time)
    case (_, .unwritten(let reason)): return written(nil, failure: "\(member): \(reason)", by: member, at: time)
    case (.adopting(var waiting), .adopted):
      waiting.remove(member)
      return adopted(waiting, at: time)
    case (.training(var training), .settled(let settlement)):
      if let fault = training.settle(settlement, by: member) { return fail(fault) }
      return trained(training, at: time)
    case (.digesting(var waiting, let known), .digests(let told)):
      guard waiting.remove(member) != nil else { return [] }
      phase = .digesting(waiting, known + told.all)
      guard waiting.isEmpty else { return [] }
      result.parameterDigest = ParameterDigest.combine(known + told.all)
      return finish(.completed(result))
    default: return []
    }
  }

  private mutating func receive(_ report: WorkerReport, from member: Member, at time: Seconds) throws -> [Effect] {
    if late.contains(member) { return receive(report, fromLate: member) }
    switch (phase, report) {
    case (.adopting(var waiting), .adopted):
      waiting.remove(member)
      return adopted(waiting, at: time)
    case (.surveying(var waiting, var surveys), .surveyed(let survey)):
      waiting.remove(member)
      surveys[member] = survey
      phase = .surveying(waiting, surveys)
      guard waiting.isEmpty else { return [] }
      result.surveys = members(.worker).compactMap { surveys[$0] }
      return finish(.completed(result))
    case (.training(var training), .trained(let stall)):
      training.finish(member, stallSeconds: stall)
      return trained(training, at: time)
    case (.evaluating(var evaluation), .done):
      evaluation.waiting.remove(member)
      return evaluated(evaluation, at: time)
    default: return []
    }
  }

  /// A worker's scores, once each.
  mutating func receive(_ scores: Scores, request: UInt64, from member: Member, at time: Seconds) -> [Effect] {
    let noted = [Effect.answer(member, request, .noted)]
    guard case .evaluating(var evaluation) = phase, scores.round == evaluation.record?.epoch ?? 0 else { return noted }
    guard evaluation.sheet.add(scores) else {
      return fail("\(member) scored rows that are not in the data, or were scored already: a fault of this program")
    }
    return noted + evaluated(evaluation, at: time)
  }

  /// - Parameter beat: said in the present view.
  mutating func receive(_ beat: Beat, from member: Member, at time: Seconds) -> [Effect] {
    let weighed = weigh(beat, of: member) + sayIfSlow(at: time) + closeAgain(at: time)
    guard case .training(var training) = phase, member == firstHomes.min(), let totals = beat.totals,
      let clock = beat.clock
    else { return weighed }
    // Where all tables are async nobody waits.
    if let view, plan.settings.cluster.staleness != [nil, nil] { waits.hear(beat.activity, in: view, at: time) }
    let progress = training.progress(
      totals, clock: clock, epochs: plan.settings.optimization.epochs, viewBegan: viewBegan, at: time)
    phase = .training(training)
    return weighed + (progress.map { [.progress($0)] } ?? []) + scheduleCheckpoint(after: clock, at: time)
  }
}
