import Checkpoint

/// Where a coordinator stands, for whoever looks at it from outside.
extension CoordinatorCore {
  /// Questions that members have not answered.
  package var openQuestions: Int { membership.openQuestions }

  /// Whether everyone who was told to stop has answered.
  package var isAlone: Bool { !membership.isWaiting }

  /// The view that is adopted.
  package var view: ViewRecord? { if case .reigning(let view) = stance { view } else { nil } }

  /// Where the run is, in a word.
  package var phaseName: String {
    switch stance {
    case .gathering: "gathering"
    case .reserving, .proposing, .recording: "proposing"
    case .reigning(let view):
      switch program?.phase {
      case .adopting where view.isRewound && view.number > 1: "rewinding"
      case .training where filling != nil: "filling"
      case .training where program?.attempt != nil: "checkpointing"
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
    case .ending: "ending"
    case .closing: "closing"
    case .digesting: "digesting"
    case .done: "done"
    }
  }
}
