import Job
import Sharding
import Wire

/// How a run ends.
extension RunProgram {
  mutating func digest() -> [Effect] {
    phase = .digesting(firstHomes, [])
    return firstHomes.sorted().map { .ask($0, .order(Control(ServerOrder.digest))) }
  }

  /// The run cannot go on.
  mutating func fail(_ sentence: String) -> [Effect] {
    let isEnded = sentence.hasSuffix(".") || sentence.hasSuffix("?") || sentence.contains("\n")
    return finish(.failed(isEnded ? sentence : sentence + "."))
  }

  mutating func interrupt() -> [Effect] { finish(.interrupted(lastCheckpoint: lastCheckpoint?.number)) }

  mutating func finish(_ outcome: Outcome) -> [Effect] {
    if case .done = phase { return [] }
    phase = .done
    return [.finish(outcome)]
  }
}
