import Foundation

/// The threads of one view: those that read, and those that compute.
package final class Workplace: Sendable {
  package let prepared: Prepared
  package let reader: StepReader
  package let computers: ComputeThreads

  /// - Parameter threads: that compute; nil takes what the assignment says, or one a core.
  /// - Throws: what is wrong with the articles.
  init(_ preparation: Preparation, threads: Int?, inbox: Inbox) throws {
    let data = try WorkerData(preparation)
    let assigned = threads ?? preparation.assignment.threads
    let threads = assigned > 0 ? assigned : ProcessInfo.processInfo.activeProcessorCount
    prepared = Prepared(
      view: preparation.view, shape: data.shape, threads: threads, evaluationBlocks: data.evaluationBlocks)
    computers = ComputeThreads(preparation.assignment, data, count: threads, inbox: inbox)
    reader = StepReader(preparation, data, inbox: inbox)
  }

  /// Ends and joins the threads.
  func stop() {
    reader.stop()
    computers.stop()
  }
}
