import Sharding
import Wire

/// A process that takes part, or offers to.
struct Place: Sendable {
  let registration: Registration
  let incarnation: UInt64
  /// The number under which it asked to be taken last.
  var registrationRequest: UInt64
  /// Its place in the run; nil until all are there with whom the run begins.
  var member: Member?
  var session: Session
  /// What it said of itself last, and in which view.
  var beat = Beat()
  var beatView: UInt32 = 0
  /// When `beat.done` grew last.
  var movedAt: Seconds
  /// When it offered itself to this coordinator.
  let joinedAt: Seconds
  /// A person wants it to leave.
  var isDraining = false
  /// It was told to stop.
  var isLeaving = false

  var name: String {
    "\(member.map { "\($0)" } ?? "a \(registration.role)") (process \(registration.process) on \(registration.host))"
  }

  /// Of a server that has a number.
  var taker: SlotShares.Taker { SlotShares.Taker(member!.number, weight: registration.weight) }

  /// Processes are numbered by host and process, so that a local cluster's numbers are those its launcher counts by.
  static func precedes(_ left: Place, _ right: Place) -> Bool {
    (left.registration.host, left.registration.process, left.incarnation)
      < (right.registration.host, right.registration.process, right.incarnation)
  }
}
