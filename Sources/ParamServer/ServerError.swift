/// Why a server cannot go on.
enum ServerError: Error, CustomStringConvertible {
  case badTable(name: String, reason: String)
  case badAssignment(String)
  case database(path: String, reason: String)
  case damagedSlot(path: String, table: Int, slot: Int, reason: String)
  case coordinatorSilent(endpoint: String, seconds: Int)
  case refused(String)

  var description: String {
    switch self {
    case .badTable(let name, let reason): "table \"\(name)\" cannot be served: \(reason)."
    case .badAssignment(let reason): "this assignment cannot be served: \(reason)."
    case .database(let path, let reason): "\(path): \(reason). Is the disk full, or the file out of reach?"
    case .damagedSlot(let path, let table, let slot, let reason):
      "\(path): slot \(slot) of table \(table) is damaged (\(reason)). Restore the file from a copy, or use another run."
    case .coordinatorSilent(let endpoint, let seconds):
      "the coordinator at \(endpoint) has been silent for \(seconds) s. Is it running, and reachable from this host?"
    case .refused(let sentence): "the coordinator refused this server: \(sentence)."
    }
  }
}
