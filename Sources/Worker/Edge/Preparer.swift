import Features
import Synchronization

/// Makes workplaces on a thread of its own: a large vocabulary takes seconds, in which beats go out and orders are heard.
package final class Preparer: Sendable {
  private let threads: Int?
  private let files: OwnFiles
  private let inbox: Inbox
  private let current = Mutex<Workplace?>(nil)
  private let thread = Mutex<NamedThread?>(nil)

  /// - Parameter threads: that compute; nil: as assigned.
  package init(threads: Int?, files: OwnFiles, inbox: Inbox) {
    self.threads = threads
    self.files = files
    self.inbox = inbox
  }

  /// The last that was prepared.
  package var workplace: Workplace? { current.withLock { $0 } }

  /// Ends the present workplace and makes another, one after the other.
  package func prepare(_ preparation: Preparation) {
    thread.withLock { thread in
      let before = thread
      thread = NamedThread("prepare") { [self] in
        before?.join()
        replace(by: preparation)
      }
    }
  }

  private func replace(by preparation: Preparation) {
    let before = leave()
    do {
      var preparation = preparation
      try files.complete(&preparation)
      let workplace = try Workplace(preparation, after: before?.data, threads: threads, inbox: inbox)
      current.withLock { $0 = workplace }
      inbox.put(.prepared(workplace.prepared))
    } catch is CancellationError {
      return
    } catch {
      inbox.put(.failed("\(error)"))
    }
  }

  /// Ends the present workplace and joins its threads.
  @discardableResult
  private func leave() -> Workplace? {
    let workplace = current.withLock { current in
      defer { current = nil }
      return current
    }
    workplace?.stop()
    return workplace
  }

  /// Ends and joins all threads.
  package func stop() {
    thread.withLock { $0 }?.end()
    leave()
  }
}
