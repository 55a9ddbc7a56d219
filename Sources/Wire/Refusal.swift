/// Why a message is not served, and what its sender is to do.
public enum Refusal: Codable, Equatable, Sendable, Error, CustomStringConvertible {
  /// The sender speaks of a run that is not the receiver's.
  case otherRun
  /// The sender is behind: the run is in this view by now.
  case staleView(now: UInt32)
  /// The receiver is behind, or has not heard of what is asked yet.
  case notYet
  /// A rank's slot is another server's in this view.
  case notOwner(slot: Int)
  /// It contradicts itself or the protocol. Sending it again will not help.
  case malformed(String)
  /// The receiver knows no process of this incarnation, or not in this view. A coordinator that began its reign a moment
  /// ago has not met anyone yet; from the coordinator that it knew, a process hears so that the run goes on without it.
  case unknownMember(UInt64)
  /// What was asked for is gone: an earlier state than is kept.
  case gone
  /// The run has all the processes it needs.
  case full(String)
  /// The sender's program is of another version.
  case otherVersion(mine: UInt16, yours: UInt16)

  /// What the receiver of a refusal is to do.
  public enum Remedy: Sendable {
    /// Ask the same again, later.
    case askAgain
    /// Drop the question: it is no longer of interest.
    case drop
    /// Nothing that this process says is welcome: end, with the sentence.
    case end
  }

  public var remedy: Remedy {
    switch self {
    case .notYet: .askAgain
    case .staleView, .gone, .notOwner, .unknownMember: .drop
    case .otherRun, .malformed, .full, .otherVersion: .end
    }
  }

  public var description: String {
    switch self {
    case .otherRun: "the message is of another run"
    case .staleView(let view): "the message is of an earlier view than \(view)"
    case .notYet: "it is too early for the message"
    case .notOwner(let slot): "slot \(slot) is another server's"
    case .malformed(let reason): reason
    case .unknownMember: "the sender is not a member of the run"
    case .gone: "the state asked for is no longer kept"
    case .full(let reason): reason
    case .otherVersion(let mine, let yours):
      "protocol version \(yours) is not \(mine); use one build of deepfm on all machines"
    }
  }

  func write() -> [Frame] { [Control(self).frame] }

  init(_ arrays: Arrays) throws { self = try arrays.control().decode() }
}
