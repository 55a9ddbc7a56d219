import Features
import Foundation
import Serving
import Synchronization

/// Threads that score what is asked, each request as a whole, with the model that is served when they take it up.
final class ScoringPool: Sendable {
  /// What is asked, and who is told. `done` is called in a thread of the pool.
  struct Job: Sendable {
    let body: Data
    let isJSON: Bool
    let done: @Sendable (Result<Answer, any Error>) -> Void
  }

  struct Answer: Sendable {
    let probabilities: [Float]
    /// Of the model that they are by.
    let version: String
  }

  /// What is served, with the name of its version.
  struct Served: Sendable {
    let model: ScoringModel
    let version: String
  }

  private struct State {
    var jobs: [Job] = []
    var isEnding = false
    var served: Served
    /// How often `served` has changed.
    var generation = 0
  }

  /// Requests that may wait.
  static let mostWaiting = 1024

  private let state: Mutex<State>
  private let work = DispatchSemaphore(value: 0)
  private let threads = Mutex<[NamedThread]>([])
  private let mostRows: Int

  init(_ served: Served, threads count: Int, mostRows: Int) {
    state = Mutex(State(served: served))
    self.mostRows = mostRows
    threads.withLock { $0 = (0..<count).map { number in NamedThread("score-\(number)") { [self] in run() } } }
  }

  var served: Served { state.withLock { $0.served } }
  var waiting: Int { state.withLock { $0.jobs.count } }

  /// Serves another model from now on. What is being scored is scored with the one before.
  func serve(_ served: Served) {
    state.withLock {
      $0.served = served
      $0.generation += 1
    }
  }

  /// - Returns: whether there was room.
  func take(_ job: Job) -> Bool {
    let hasRoom = state.withLock { state in
      guard !state.isEnding, state.jobs.count < Self.mostWaiting else { return false }
      state.jobs.append(job)
      return true
    }
    if hasRoom { work.signal() }
    return hasRoom
  }

  /// Scores what waits, and ends the threads.
  func end() {
    state.withLock { $0.isEnding = true }
    let threads = threads.withLock { $0 }
    for _ in threads { work.signal() }
    for thread in threads { thread.join() }
  }

  private func run() {
    var generation = -1
    var scorer: RequestScorer?
    while true {
      work.wait()
      let (job, served, now) = state.withLock { state in
        (state.jobs.isEmpty ? nil : state.jobs.removeFirst(), state.served, state.generation)
      }
      guard let job else { return }
      if now != generation { (scorer, generation) = (RequestScorer(served.model), now) }
      job.done(
        Result {
          let probabilities =
            if job.isJSON {
              try scorer!.score(json: job.body, most: mostRows)
            } else {
              try job.body.withUnsafeBytes { try scorer!.score(texts: $0, most: mostRows) }
            }
          return Answer(probabilities: probabilities, version: served.version)
        })
    }
  }
}
