/// Rules that can be broken on purpose, to see that the simulator catches it: a test that cannot fail proves nothing.
///
/// The switches exist in a build of their own (`make mutants`). In all others a broken rule is `false`, known to the
/// compiler, and costs nothing.
package enum Mutant: String, CaseIterable, Sendable {
  /// A server applies a push of a step that is over to the open step.
  case applyLatePush
  /// A server sums up nodes as they come, not along the tree.
  case sumInArrivalOrder
  /// A server answers a pull with the rows as they are now, though the step asked for is past.
  case answerLaterState
  /// Nobody asks again.
  case forgetTimers
  /// A question that found no room counts as sent.
  case forgetCongestion
  /// A server takes pushes of processes that are not its workers.
  case ignoreIncarnation
  /// A server takes pushes and pulls of any view.
  case ignoreView
  /// An order that comes twice is carried out twice.
  case carryOutTwice
  /// The answer to a repeated order is not repeated.
  case forgetAnswers
  /// A step changes a row that a checkpoint holds, and nobody keeps what it was.
  case forgetHeld
  /// A row that went does not come back where its step is undone.
  case keepEvicted
  /// A checkpoint counts when the first server has written its part.
  case commitEarly
  /// A suspended machine counts as silent.
  case countStandstill
  /// Answers go to the connection that was there first.
  case keepOldRoute
  /// Request numbers begin anew in each view.
  case reuseRequestNumbers
  /// A first home applies a step though another home has not applied the one before.
  case applyEarly
  /// A server whose state was undone keeps half of a step's tree.
  case keepTree
  /// The undo log is a step too short.
  case shallowLog
  /// The first server alone goes back.
  case rollBackOneOnly
  /// The number of a view that was proposed is used again.
  case reuseView
  /// A second home acknowledges a step when it has come, not when it is applied.
  case acknowledgeEarly
  /// A clock counts as settled when the first homes have reached it.
  case settleFirstHomes
  /// A coordinator does not look whether it still reigns.
  case forgetTerm
  /// A copy counts as a home before its first home waits for it.
  case countCopies
  /// Whoever goes back goes back to the beginning.
  case beginAgain
  /// A checkpoint stands on the last one that was tried, not on the last that was committed.
  case standOnUncommitted
  /// A late worker is not waited for though nobody else computes its slices.
  case coverByNobody
  /// An async table applies what it has applied already.
  case forgetLedger

  #if MUTANTS
    /// The rule that is broken now.
    ///
    /// `nonisolated(unsafe)`: set by the test suite while no life is lived.
    package nonisolated(unsafe) static var active: Mutant?

    package var isActive: Bool { Mutant.active == self }
  #else
    package var isActive: Bool {
      @inline(__always) get { false }
    }
  #endif
}
