import Foundation

/// The threads of one view: those that read, and those that compute.
package final class Workplace: Sendable {
  package let prepared: Prepared
  let data: WorkerData
  private let reader: StepReader
  private let computers: ComputeThreads

  /// - Parameters:
  ///   - before: the data of an earlier view.
  ///   - threads: that compute; nil takes what the assignment says, or one a core.
  /// - Throws: what is wrong with the articles.
  package init(_ preparation: Preparation, after before: WorkerData? = nil, threads: Int?, inbox: Inbox) throws {
    data = try WorkerData(preparation, after: before)
    let assigned = threads ?? preparation.assignment.threads
    let threads = assigned > 0 ? assigned : ProcessInfo.processInfo.activeProcessorCount
    prepared = Prepared(
      view: preparation.view, shape: data.shape, threads: threads, evaluationBlocks: data.evaluationBlocks)
    computers = ComputeThreads(preparation.assignment, data, count: threads, inbox: inbox)
    reader = StepReader(preparation, data, inbox: inbox)
  }

  package func read(_ order: ReadOrder) { reader.read(order) }
  package func compute(_ work: StepWork) { computers.compute(work) }
  package func recycle(_ work: StepWork) { reader.recycle(work) }

  /// Ends and joins the threads.
  package func stop() {
    reader.stop()
    computers.stop()
  }
}
