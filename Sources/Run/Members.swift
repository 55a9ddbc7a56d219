/// Who plays a run's servers and workers.
public enum Members {
  /// Processes on this machine, launched for the run and ended with it.
  case launched(LocalCluster)
  /// Processes that others start; the coordinator waits for them at this endpoint, such as `tcp://10.0.0.1:7000`.
  case joining(at: String)

  /// How long the coordinator waits for all to appear.
  var gatherSeconds: Double {
    switch self {
    case .launched: 30
    case .joining: 300
    }
  }

  /// The command that goes on with a run of such members.
  func resumption(of directory: RunDirectory) -> String {
    switch self {
    case .launched: "deepfm train --resume \(directory.path)"
    case .joining: "deepfm coordinator --resume \(directory.path)"
    }
  }
}
