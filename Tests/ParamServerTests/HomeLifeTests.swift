import Testing

@Suite("Lives of homes")
struct HomeLifeTests {
  @Test(
    "Whatever becomes of slots, servers and messages, each row, each written slot and each clock is as if nothing had",
    arguments: [0, 1, 3])
  func live(lag: Int) throws {
    let lives = try (1...5).map { seed in
      let life = try HomeLife(seed: seed, lag: lag)
      try life.live()
      return life
    }
    // What never happens proves nothing.
    #expect(lives.reduce(0) { $0 + $1.changes } > 5 && lives.reduce(0) { $0 + $1.rewinds } > 0)
    #expect(lives.reduce(0) { $0 + $1.filled } > 2 && lives.reduce(0) { $0 + $1.committed } > 5)
  }
}
