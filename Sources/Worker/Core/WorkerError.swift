import Sharding
import Wire

/// Why a worker cannot go on.
public enum WorkerError: Error, Equatable, CustomStringConvertible {
  /// - Parameter endpoint: the coordinator's.
  case coordinatorSilent(endpoint: String, seconds: Int)
  /// The coordinator has no place for it.
  case notWanted(String)
  /// - Parameter question: the name of the message that was refused.
  case refused(by: Member, question: String, reason: Refusal)
  case unexpected(from: Member, what: String)
  case damaged(article: Digest)
  case notFinite(step: UInt64)
  /// What reading, computing or surveying came to.
  case failed(String)

  public var description: String {
    switch self {
    case .coordinatorSilent(let endpoint, let seconds):
      "the coordinator at \(endpoint) has been silent for \(seconds) s. Is it running, and reachable from this host?"
    case .notWanted(let reason):
      "the coordinator refused this worker: \(reason)."
    case .refused(let member, let question, let reason):
      "\(member) refused a \(question) of this worker: \(reason)."
    case .unexpected(let member, let what):
      "\(member) sent what was not asked for: \(what). Use one build of deepfm on all machines."
    case .damaged(let article):
      "what the coordinator sent as \(article) has another SHA-256. Does it run on sound memory?"
    case .notFinite(let step):
      "the loss is not a number at step \(step). Lower --lr, or look for extreme values in the data."
    case .failed(let sentence): sentence
    }
  }
}
