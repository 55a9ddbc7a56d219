/// Why a worker cannot go on.
enum WorkerError: Error, CustomStringConvertible {
  case noData(String)
  case rowsLeft(slice: Int, steps: Int)
  case refused(server: Int, sentence: String)
  case notFinite(step: UInt64)
  case coordinatorSilent(endpoint: String, seconds: Int)
  case unexpected(String)

  var description: String {
    switch self {
    case .noData(let purpose):
      "the coordinator asked for \(purpose), but named no \(purpose) data."
    case .rowsLeft(let slice, let steps):
      "slice \(slice) has rows left after its \(steps) steps. The data changed since the run began: start a new run."
    case .refused(let server, let sentence):
      "server-\(server) refused a message: \(sentence)"
    case .notFinite(let step):
      "the loss is not a number at step \(step). Lower --lr, or look for extreme values in the data."
    case .coordinatorSilent(let endpoint, let seconds):
      "the coordinator at \(endpoint) has been silent for \(seconds) s. Is it running, and reachable from this host?"
    case .unexpected(let what):
      "unexpected message: \(what)."
    }
  }
}
