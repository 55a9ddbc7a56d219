import Checkpoint
import Coordinator
import Foundation

/// What people see: a progress bar on a terminal, plain lines elsewhere. Results go to standard output, all else to
/// standard error.
final class Console: RunObserver {
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let quiet: Bool
  private var lastLine = Date.distantPast
  private var barIsShown = false

  /// - Parameter quiet: no progress and no epochs; errors still show.
  init(quiet: Bool = false) { self.quiet = quiet }

  static func error(_ sentence: String) {
    FileHandle.standardError.write(Data("deepfm: \(sentence)\n".utf8))
  }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

  private func line(_ text: String) {
    if barIsShown { write("\r\u{1B}[K") }
    barIsShown = false
    write(text + "\n")
  }

  func say(_ sentence: String) {
    if !quiet { line(sentence) }
  }

  func show(_ progress: RunProgress) {
    guard !quiet, Date().timeIntervalSince(lastLine) >= (isTerminal ? 0.1 : 5) else { return }
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

  /// For work before the cluster starts, such as reading through the data.
  func show(_ what: String, share: Double) {
    guard !quiet, isTerminal, Date().timeIntervalSince(lastLine) >= 0.1 else { return }
    lastLine = Date()
    write("\r\u{1B}[K\(what)  \(Int(share * 100)) %")
    barIsShown = true
  }

  func show(_ epoch: EpochRecord) {
    guard !quiet else { return }
    var text =
      "epoch \(epoch.epoch)  \(Format.count(Double(epoch.rows))) rows  train logloss \(Format.fixed(epoch.trainLogloss, 5))"
    if let logloss = epoch.logloss {
      text += "  valid AUC \(epoch.auc.map { Format.fixed($0, 5) } ?? "-")  logloss \(Format.fixed(logloss, 5))"
    }
    text += "  \(Format.count(epoch.samplesPerSecond)) samples/s  \(Format.fixed(epoch.seconds, 1)) s"
    line(text)
  }
}

/// Numbers as people read them.
enum Format {
  static func fixed(_ number: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", number) }

  /// Whole, with commas between thousands.
  static func count(_ number: Double) -> String {
    var digits = String(Int(number.rounded()))
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    return ([digits] + groups).joined(separator: ",")
  }

  static func duration(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    return whole >= 3600
      ? String(format: "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60)
      : String(format: "%d:%02d", whole / 60, whole % 60)
  }
}
