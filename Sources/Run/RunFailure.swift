/// The end of a run that did not do its job, as a sentence for people.
public enum RunFailure: Error, Equatable, CustomStringConvertible {
  case failed(String)
  /// The caller wanted it to end.
  case interrupted(String)

  public var description: String {
    switch self {
    case .failed(let sentence), .interrupted(let sentence): sentence
    }
  }

  static func unwritable(_ path: String, _ error: any Error) -> RunFailure {
    .failed("\(path) cannot be written: \(error.localizedDescription). Is the disk full?")
  }
}
