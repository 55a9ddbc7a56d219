import Foundation
import Testing

@testable import Features

struct ThreadTests {
  @Test("A thread has its name, and is gone once it is joined, however often and by whomever")
  func joining() {
    let names = BoundedQueue<String>(capacity: 9)
    let thread = NamedThread("a-name") {
      Thread.sleep(forTimeInterval: 0.02)
      _ = names.push((try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)) ?? "")
    }
    let other = NamedThread("other") { thread.join() }
    thread.join()
    #expect(names.tryPop() == "a-name\n")
    thread.join()
    other.join()
    // One that nobody waits for keeps what it needs.
    do { _ = NamedThread("a name that is rather long") { _ = names.push("done") } }
    #expect(names.pop() == "done")
  }

  @Test("The queue hands over in order, holds producers back, and ends when closed")
  func queue() async {
    let queue = BoundedQueue<Int>(capacity: 2)
    let producer = NamedThread("producer") {
      for number in 0..<1000 where !queue.push(number) { return }
      queue.close()
    }
    var received: [Int] = []
    while let number = queue.pop() { received.append(number) }
    producer.join()
    #expect(received == Array(0..<1000))
    #expect(queue.tryPop() == nil && !queue.push(1))

    let cancelled = BoundedQueue<Int>(capacity: 4)
    #expect(cancelled.push(1) && cancelled.tryPop() == 1 && cancelled.tryPop() == nil)
    #expect(cancelled.push(2))
    cancelled.cancel()
    #expect(cancelled.pop() == nil)
  }

  @Test("Many threads push and pop each element once")
  func contention() {
    let queue = BoundedQueue<Int>(capacity: 3)
    let sums = BoundedQueue<Int>(capacity: 8)
    let producers = (0..<4).map { producer in
      NamedThread("producer-\(producer)") {
        for number in 0..<2000 { _ = queue.push(producer * 2000 + number) }
      }
    }
    let consumers = (0..<4).map { number in
      NamedThread("consumer-\(number)") {
        var sum = 0
        while let number = queue.pop() { sum += number }
        _ = sums.push(sum)
      }
    }
    for producer in producers { producer.join() }
    queue.close()
    for consumer in consumers { consumer.join() }
    #expect((0..<4).reduce(0) { sum, _ in sum + sums.pop()! } == 7999 * 8000 / 2)
  }
}
