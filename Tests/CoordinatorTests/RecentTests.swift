import Testing

@testable import Coordinator

struct RecentTests {
  @Test("Of those that are not taken again the latest are remembered, and no more")
  func recent() {
    var recent = Recent<Int>(most: 3)
    for number in [1, 2, 2, 3, 1] { recent.insert(number) }
    #expect([1, 2, 3].allSatisfy(recent.contains) && !recent.contains(4))
    for number in 4...5 { recent.insert(number) }
    #expect([3, 4, 5].allSatisfy(recent.contains) && !recent.contains(1) && !recent.contains(2))
  }
}
