import Checkpoint

/// Why a server cannot go on.
public enum ServerError: Error, CustomStringConvertible {
  case badTable(name: String, reason: String)
  case badAssignment(String)
  /// A view begins at a clock that is not kept.
  case tooFarBack(UndoError)
  case damagedSlot(path: String, table: Int, slot: Int, reason: String)
  case file(CheckpointError)
  case notNumbers(table: String, clock: UInt64)
  case unreachable(endpoint: String, coordinator: String)
  case coordinatorSilent(endpoint: String, seconds: Int)
  case refused(String)

  public var description: String {
    switch self {
    case .badTable(let name, let reason): "table \"\(name)\" cannot be served: \(reason)."
    case .badAssignment(let reason): "this assignment cannot be served: \(reason)."
    case .tooFarBack(let error): "this assignment cannot be served: \(error)"
    case .damagedSlot(let path, let table, let slot, let reason):
      "\(path): slot \(slot) of table \(table) is damaged (\(reason)). Restore the file from a copy, or use another run."
    case .file(let error): "\(error)"
    case .notNumbers(let table, let clock):
      "the parameters of table \"\(table)\" are not numbers any more after step \(clock). Lower --lr, or look for "
        + "extreme values in the data."
    case .unreachable(let endpoint, let coordinator):
      "\(endpoint) says to workers on other hosts nothing of where this server is, and the coordinator at \(coordinator) "
        + "is on another host. Name an address of this host with --listen, or --advertise where workers find it."
    case .coordinatorSilent(let endpoint, let seconds):
      "the coordinator at \(endpoint) has been silent for \(seconds) s. Is it running, and reachable from this host?"
    case .refused(let sentence): "the coordinator refused this server: \(sentence)."
    }
  }
}
