import Coordinator
import Features

/// The program that asks for a run: what it wants to see of it, and how it ends it early.
public struct Caller {
  public let observer: any RunObserver
  /// Asked a few times a second, in the thread that runs; true ends the run with `RunFailure.interrupted`.
  public let isInterrupted: () -> Bool

  public init(observer: any RunObserver = NoObserver(), isInterrupted: @escaping () -> Bool = { false }) {
    self.observer = observer
    self.isInterrupted = isInterrupted
  }

  /// To be called between pieces of long work.
  ///
  /// - Throws: `RunFailure.interrupted`.
  public func check() throws {
    if isInterrupted() { throw RunFailure.interrupted("interrupted.") }
  }

  /// Shows how far a piece of long work is, and ends it where it is to end.
  ///
  /// - Throws: `RunFailure.interrupted`.
  public func show(_ activity: String, _ done: Int, of all: Int) throws {
    try check()
    observer.show(activity, share: Double(done) / Double(max(1, all)))
  }

  /// How to read data, with progress shown.
  ///
  /// - Parameter spool: a directory for copies of files that cannot be sought.
  public func reading(_ activity: String, spool: String, badRows: BadRowPolicy, labels: Bool = true) -> ReadingOptions {
    ReadingOptions(spool: spool, badRows: badRows, labels: labels) { read, all in try show(activity, read, of: all) }
  }

  /// Says what a person should know of data that were read: how many rows were left out, and what is odd about them.
  ///
  /// - Parameter part: which data they were of, such as " of the training data".
  public func sayWhatWasFound(_ index: DatasetIndex, _ part: String = "") {
    for remark in index.remarks ?? [] { observer.say("note\(part): \(remark)") }
    guard index.skipped > 0 else { return }
    observer.say(
      "skipped \(index.skipped.grouped) bad rows\(part)" + (index.firstBadRow.map { ", the first: \($0)" } ?? ""))
  }
}

extension Int {
  /// With commas between thousands.
  package var grouped: String {
    var digits = String(magnitude)
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    return (self < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
  }
}
