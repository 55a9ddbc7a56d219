/// Finds the fewest faults that still break a life.
enum Shrinking {
  /// - Returns: the options, and the faults that are needed.
  static func shortest(seed: UInt64, budget: Int = 300) throws -> String {
    let worlds = try Worlds.make()
    let options = Options(seed: seed, scenarios: worlds.count)
    var lives = 0

    /// What breaks with these faults allowed alone, and which of them happened.
    func violation(_ allowed: Set<Int>?) -> (text: String, faults: [(number: Int, kind: Faults.Kind)])? {
      lives += 1
      let life = Life(options, worlds[options.scenario], allowed: allowed)
      do {
        try life.live()
        return nil
      } catch { return ("\(error)", life.faults.happened) }
    }

    guard var best = violation(nil) else { return "\(options)\nit does not happen again" }
    // Delta debugging (A. Zeller, R. Hildebrandt, 2002): leave out ever smaller pieces.
    var pieces = 2
    while best.faults.count > 1, pieces <= best.faults.count, lives < budget {
      let numbers = best.faults.map(\.number)
      let size = (numbers.count + pieces - 1) / pieces
      var isShorter = false
      for start in stride(from: 0, to: numbers.count, by: size) where lives < budget {
        let rest = Set(numbers[..<start] + numbers[min(numbers.count, start + size)...])
        guard let shorter = violation(rest), shorter.faults.count < best.faults.count else { continue }
        best = shorter
        pieces = max(2, pieces - 1)
        isShorter = true
        break
      }
      if !isShorter { pieces *= 2 }
    }
    let faults = best.faults.map { "\($0.kind) (\($0.number))" }.joined(separator: ", ")
    return "\(options)\nneeded: \(faults.isEmpty ? "no fault at all" : faults)\n\(best.text)"
  }
}
