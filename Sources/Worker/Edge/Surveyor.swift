import Features
import Foundation
import Job
import Synchronization

/// Reads through the worker's own files on a thread of its own.
final class Surveyor: Sendable {
  private final class Flag: Sendable {
    let isRaised = Atomic(false)
  }

  private let cancelled = Flag()
  private let thread: NamedThread

  /// - Parameters:
  ///   - view: that the order was given in.
  ///   - files: paths, each once.
  ///   - spool: a directory for copies of what cannot be sought.
  ///   - threads: that read; nil: one a core.
  init(_ order: SurveyOrder, view: UInt32, files: [String], spool: String, threads: Int?, inbox: Inbox) {
    thread = NamedThread("survey") { [cancelled] in
      do {
        inbox.put(.surveyed(try Self.survey(order, files, spool, threads, inbox, cancelled), view: view))
      } catch is CancellationError {
        return
      } catch {
        inbox.put(.failed("\(error)"))
      }
    }
  }

  /// Ends and joins the thread, whatever it has read.
  func stop() {
    cancelled.isRaised.store(true, ordering: .relaxed)
    thread.end()
  }

  private static func survey(
    _ order: SurveyOrder, _ files: [String], _ spool: String, _ threads: Int?, _ inbox: Inbox, _ cancelled: Flag
  ) throws -> SurveyResult {
    let clock = ContinuousClock()
    var lastTold = clock.now
    func survey(_ patterns: [String], _ name: String, _ sampling: NegativeSampling?) throws -> DatasetSurvey? {
      let matches = DataFiles.matching(patterns, among: files)
      guard !matches.isEmpty else { return nil }
      let reading = ReadingOptions(
        spool: "\(spool)/\(name)", badRows: order.badRows, sampling: sampling, threads: threads
      ) { _, _ in
        if cancelled.isRaised.load(ordering: .relaxed) { throw CancellationError() }
        guard clock.now - lastTold >= .milliseconds(100) else { return }
        lastTold = clock.now
        inbox.put(.surveyProgress)
      }
      return try DatasetSurvey.run(matches, .learn(order.schema), reading)
    }
    return try SurveyResult(
      train: survey(order.train, "train", order.sampling), valid: survey(order.valid, "valid", nil))
  }
}
