/// Why a server cannot go on.
package enum ServerError: Error, CustomStringConvertible {
  case badTable(name: String, reason: String)
  case badAssignment(String)
  case coordinatorSilent(endpoint: String, seconds: Int)
  case refused(String)

  package var description: String {
    switch self {
    case .badTable(let name, let reason): "table \"\(name)\" cannot be served: \(reason)."
    case .badAssignment(let reason): "this assignment cannot be served: \(reason)."
    case .coordinatorSilent(let endpoint, let seconds):
      "the coordinator at \(endpoint) has been silent for \(seconds) s. Is it running, and reachable from this host?"
    case .refused(let sentence): "the coordinator refused this server: \(sentence)."
    }
  }
}
