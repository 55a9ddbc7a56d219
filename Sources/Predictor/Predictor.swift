import Foundation
import Run
import Serving
import Synchronization

/// Behind a `deepfm_model` (`deepfm.h`): a model, and what threads score with that do not score now.
private final class OpenModel: Sendable {
  private let model: ScoringModel
  private let idle = Mutex<[Lent]>([])

  /// `@unchecked Sendable`: one thread has it at a time.
  private struct Lent: @unchecked Sendable { let scorer: RequestScorer }

  init(path: String) throws { model = try ModelSource(path).read() }

  func score(_ rows: UnsafeRawBufferPointer, most: Int) throws -> [Float] {
    let lent = idle.withLock { $0.popLast() } ?? Lent(scorer: RequestScorer(model))
    defer { idle.withLock { $0.append(lent) } }
    return try lent.scorer.score(texts: rows, most: most)
  }
}

private func explain(_ reason: Any, _ error: UnsafeMutablePointer<CChar>?, _ size: Int) {
  guard let error, size > 0 else { return }
  strncpy(error, "\(reason)", size - 1)
  error[size - 1] = 0
}

@_cdecl("deepfm_open")
public func open(
  _ path: UnsafePointer<CChar>, _ error: UnsafeMutablePointer<CChar>?, _ size: Int
) -> UnsafeMutableRawPointer? {
  do {
    return Unmanaged.passRetained(try OpenModel(path: String(cString: path))).toOpaque()
  } catch let failure {
    explain(failure, error, size)
    return nil
  }
}

@_cdecl("deepfm_predict")
public func predict(
  _ model: UnsafeMutableRawPointer, _ rows: UnsafePointer<CChar>, _ bytes: Int,
  _ probabilities: UnsafeMutablePointer<Float>, _ capacity: Int, _ error: UnsafeMutablePointer<CChar>?, _ size: Int
) -> Int {
  do {
    let model = Unmanaged<OpenModel>.fromOpaque(model).takeUnretainedValue()
    let found = try model.score(UnsafeRawBufferPointer(start: rows, count: bytes), most: capacity)
    for (place, probability) in found.enumerated() { probabilities[place] = probability }
    return found.count
  } catch let failure {
    explain(failure, error, size)
    return -1
  }
}

@_cdecl("deepfm_close")
public func close(_ model: UnsafeMutableRawPointer?) {
  if let model { Unmanaged<OpenModel>.fromOpaque(model).release() }
}
