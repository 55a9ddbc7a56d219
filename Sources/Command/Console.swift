import Foundation
import Run

/// What people see: a progress bar on a terminal, plain lines elsewhere. Results go to standard output, all else to
/// standard error.
final class Console: RunObserver {
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private var lastLine = Date.distantPast
  private var barIsShown = false

  static func error(_ sentence: String) {
    FileHandle.standardError.write(Data("deepfm: \(sentence)\n".utf8))
  }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

  private func line(_ text: String) {
    if barIsShown { write("\r\u{1B}[K") }
    barIsShown = false
    write(text + "\n")
  }

  func say(_ sentence: String) { line(sentence) }

  func show(_ progress: RunProgress) {
    guard Date().timeIntervalSince(lastLine) >= (isTerminal ? 0.1 : 5) else { return }
    lastLine = Date()
    let share = Double(progress.rows) / Double(max(1, progress.rowsInEpoch))
    let text =
      "epoch \(progress.epoch)/\(progress.epochs)  \(Int(share * 100)) %  "
      + "\(Format.count(progress.samplesPerSecond)) samples/s  logloss \(Format.fixed(progress.trainLogloss, 4))  "
      + "ETA \(Format.duration(progress.secondsLeft))"
    guard isTerminal else { return line(text) }
    let filled = Int(share * 24)
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 24 - filled)
    write("\r\u{1B}[K\(bar)  \(text)")
    barIsShown = true
  }

  func show(_ activity: String, share: Double) {
    guard isTerminal, Date().timeIntervalSince(lastLine) >= 0.1 else { return }
    lastLine = Date()
    write("\r\u{1B}[K\(activity)  \(Int(share * 100)) %")
    barIsShown = true
  }

  func show(_ epoch: EpochRecord) {
    var text =
      "epoch \(epoch.epoch)  \(Format.count(Double(epoch.rows))) rows  train logloss \(Format.fixed(epoch.trainLogloss, 5))"
    if epoch.logloss != nil {
      text += "  valid AUC \(Format.fixed(epoch.auc, 5))  logloss \(Format.fixed(epoch.logloss, 5))"
    }
    // Less is the noise of workers that are waited for in turns.
    if let (wait, excess) = epoch.excess, excess >= max(1, 0.2 * epoch.seconds) {
      text += "  waited \(Format.fixed(wait.seconds, 1)) s for \(wait.member) (process \(wait.process) on \(wait.host))"
    }
    if epoch.evicted > 0 { text += "  \(epoch.evicted.grouped) rows evicted" }
    for (name, report) in epoch.staleness.sorted(by: { $0.key < $1.key }) {
      text += "  \(name) read \(Format.fixed(report.mean, 2)) steps behind"
    }
    text += "  \(Format.count(epoch.samplesPerSecond)) samples/s  \(Format.fixed(epoch.seconds, 1)) s"
    line(text)
  }
}
