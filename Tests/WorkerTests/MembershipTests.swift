import Features
import Foundation
import Job
import Sharding
import Testing
import Wire
import Worker

struct MembershipTests {
  @Test("A worker registers again and again until it is welcomed")
  func registration() throws {
    var rig = Rig()
    let first = try #require(rig.tell(.tick).envelopes(to: .coordinator).first)
    guard case .register(let registration) = first.message else {
      Issue.record("\(first.message)")
      return
    }
    #expect(registration.role == .worker && registration.files == ["day_1"] && registration.standing == nil)
    #expect(first.preamble.incarnation == Rig.incarnation)
    let repeated = rig.wait(20, hearing: false)
    #expect(repeated.envelopes(to: .coordinator).count >= 5)
    #expect(repeated.envelopes(to: .coordinator).allSatisfy { $0.preamble.request == first.preamble.request })
    #expect(repeated.said == Array(repeating: "waiting for the coordinator at tcp://c:1", count: 3))

    // What comes before a welcome enters nothing.
    let early = rig.envelope(
      .survey(SurveyOrder(train: [], valid: [], schema: Schema(format: .criteo), badRows: .fail)))
    #expect(rig.tell(.received(early, from: .coordinator)).isEmpty)
    #expect(rig.answer(first, .welcome(.worker(4))).isEmpty)
    #expect(rig.answer(first, .welcome(.worker(5))).isEmpty)
    let beat = try #require(rig.wait(0.6).envelopes(to: .coordinator).last)
    #expect(beat.preamble.member == .worker(4) && beat.preamble.run == 7 && beat.preamble.term == 3)
    guard case .beat(let said) = beat.message else {
      Issue.record("\(beat.message)")
      return
    }
    #expect(said.activity == Activity(.idle))
    // It comes again, and is not taken for a repetition.
    #expect(rig.tell(.received(early, from: .coordinator)).count == 1)
  }

  @Test("A worker that nobody welcomes ends after ten minutes, one that is refused at once")
  func noCoordinator() throws {
    var rig = Rig()
    #expect(!rig.wait(590, hearing: false).hasEnded)
    #expect(rig.wait(20, hearing: false).error == .coordinatorSilent(endpoint: "tcp://c:1", seconds: 600))

    var other = Rig()
    let question = try #require(other.tell(.tick).envelopes(to: .coordinator).first)
    let effects = other.answer(question, .refusal(.full("there are workers enough")))
    #expect(
      effects.error?.description == "the coordinator refused this worker: there are workers enough."
        && effects.count == 1, "nobody is told: the run has not failed")
  }

  @Test("Silence of the coordinator ends a worker; time that stood still does not")
  func silence() throws {
    var rig = try Rig.welcomed()
    #expect(!rig.wait(19, hearing: false).hasEnded)
    rig.time += 8 * 3600
    #expect(!rig.tell(.tick).hasEnded, "the machine slept")
    #expect(!rig.wait(0.5, hearing: false).hasEnded)
    #expect(rig.wait(1, hearing: false).error == .coordinatorSilent(endpoint: "tcp://c:1", seconds: 20))
    #expect(rig.wait(30).isEmpty, "it has ended")
  }

  @Test("Time that stood still does not reach beyond what is heard after it")
  func silenceAfterStandstill() throws {
    var rig = try Rig.welcomed()
    rig.time += 8 * 3600
    #expect(rig.hearBeat().isEmpty)
    #expect(!rig.wait(19, hearing: false).hasEnded)
    #expect(rig.wait(2, hearing: false).hasEnded)
  }

  @Test("What another run, term or process says enters nothing")
  func strangers() throws {
    var rig = try Rig.welcomed()
    let order = rig.envelope(.stop)
    for change: (inout Preamble) -> Void in [{ $0.run = 8 }, { $0.term = 2 }, { $0.incarnation = 1001 }] {
      var stranger = order
      change(&stranger.preamble)
      #expect(rig.tell(.received(stranger, from: .coordinator)).isEmpty)
    }
    let effects = rig.tell(.received(order, from: .coordinator))
    guard case .done? = effects.reports.first else {
      Issue.record("\(effects)")
      return
    }
    #expect(effects.hasEnded && effects.error == nil)
  }

  @Test("A thread that fails ends the worker, and the coordinator hears why")
  func failure() throws {
    var rig = try Rig.welcomed()
    let effects = rig.tell(.failed("day_3: the file changed"))
    guard case .failed(let sentence)? = effects.envelopes(to: .coordinator).first?.message else {
      Issue.record("\(effects)")
      return
    }
    #expect(sentence == "day_3: the file changed" && effects.error == .failed(sentence))
  }

  @Test("A survey of a view that was proposed is carried out once")
  func survey() throws {
    var rig = try Rig.welcomed()
    _ = rig.order(.propose, view: 1)
    let order = rig.envelope(
      .survey(SurveyOrder(train: ["*"], valid: [], schema: Schema(format: .criteo), badRows: .fail)))
    let begun = rig.tell(.received(order, from: .coordinator))
    #expect(begun.contains { if case .survey = $0 { true } else { false } })
    #expect(rig.tell(.received(order, from: .coordinator)).isEmpty)
    _ = rig.tell(.surveyProgress)
    let beats = rig.wait(0.6).envelopes(to: .coordinator)
    guard case .beat(let beat)? = beats.last?.message else {
      Issue.record("no beat")
      return
    }
    #expect(beat.activity.kind == .surveying && beat.done == 1)
    let result = SurveyResult(train: nil, valid: nil)
    #expect(rig.tell(.surveyed(result, view: 0)).isEmpty, "of another view")
    #expect(rig.tell(.surveyed(result, view: 1)).reports.count == 1)
    #expect(rig.tell(.received(order, from: .coordinator)).reports.count == 1)

    // It counts as adopted, and may be assigned something.
    guard case .standing(view: 1)? = rig.order(.propose, view: 1).reports.first else {
      Issue.record("the view is not adopted")
      return
    }
    #expect(!rig.order(.adopt(Sample.assignment())).connected.isEmpty)
  }
}
