extension CoordinatorCore {
  /// Where the run is, in a word.
  package var phaseName: String {
    switch stance {
    case .gathering: "gathering"
    case .reserving, .proposing, .recording: "proposing"
    case .reigning(let view):
      switch program?.phase {
      case .adopting where view.isRewound && view.number > 1: "rewinding"
      case .training where filling != nil: "filling"
      case let phase: phase?.name ?? "waiting"
      }
    }
  }
}

extension RunProgram.Phase {
  var name: String {
    switch self {
    case .waiting: "waiting"
    case .adopting: "adopting"
    case .surveying: "surveying"
    case .training: "training"
    case .evaluating: "evaluating"
    case .checkpointing: "checkpointing"
    case .digesting: "digesting"
    case .done: "done"
    }
  }
}
