import DeepFM
import Features
import Job
import Synchronization

/// Threads that compute slices, one BLAS thread each: a slice's bits do not depend on how many there are.
package final class ComputeThreads: Sendable {
  private struct Task: Sendable {
    let work: StepWork
    let part: Int
  }

  private let tasks: BoundedQueue<Task>
  private let threads: [NamedThread]

  init(_ assignment: WorkerAssignment, _ data: WorkerData, count: Int, inbox: Inbox) {
    BLASThreads.set(1)
    // More than the parts of a step, or the blocks that are scored at a time.
    let tasks = BoundedQueue<Task>(capacity: 1 << 17)
    let sums = NodeSums(assignment, shape: data.shape)
    self.tasks = tasks
    threads = (0..<count).map { number in
      NamedThread("compute-\(number)") {
        var computation = SliceComputation(
          model: data.model, rows: max(assignment.sliceRows, WorkerData.blockRows), seed: assignment.seed,
          clip: assignment.clip)
        while let task = tasks.pop() {
          inbox.put(computation.perform(part: task.part, of: task.work, into: sums))
        }
      }
    }
  }

  package func compute(_ work: StepWork) {
    for part in work.parts.indices { _ = tasks.push(Task(work: work, part: part)) }
  }

  /// Ends and joins the threads, once they are done with the parts they have.
  func stop() {
    tasks.cancel()
    for thread in threads { thread.end() }
  }
}
