import Checkpoint
import Foundation
import Sharding
import Synchronization
import Wire

/// Writes a server's parts of checkpoints beside the thread that serves, so that no step waits for the disk. It does what it is
/// told in its order.
final class PartQueue: Sendable {
  private let waker: Waker
  private let queue = DispatchQueue(label: "parts")
  private let events = Mutex<[ServerCore.Event]>([])
  private let state = Mutex(State())

  fileprivate struct State {
    var folder: String?
    var writer: PartWriter?
  }

  init(waking waker: Waker) { self.waker = waker }

  /// What has become of the parts, in its order.
  func next() -> ServerCore.Event? { events.withLock { $0.isEmpty ? nil : $0.removeFirst() } }

  /// Writes into another directory from now on, and clears it of the parts of checkpoints that are not kept.
  func open(_ folder: String?, keeping kept: [Int]) {
    add { state in
      state.folder = folder
      if let folder { PartWriter.clear(folder, keeping: kept) }
      return nil
    }
  }

  func write(_ snapshots: [SlotSnapshot], _ header: PartHeader) {
    add { state in
      state.attempt(header) { writer in
        try writer.write(snapshots)
        return .written(checkpoint: header.checkpoint)
      }
    }
  }

  func finish(_ header: PartHeader) {
    add { state in
      let event = state.attempt(header) { .finished(checkpoint: header.checkpoint, try $0.finish()) }
      state.writer = nil
      return event
    }
  }

  func abandon(_ header: PartHeader) {
    add { state in
      if state.writer?.header == header { state.abandon() }
      return nil
    }
  }

  func remove(_ files: [String]) {
    add { _ in
      for file in files { try? FileManager.default.removeItem(atPath: file) }
      return nil
    }
  }

  /// Waits for what it was told to do: a disk that hangs is left alone after a while.
  func end() {
    let group = DispatchGroup()
    queue.async(group: group) {}
    _ = group.wait(timeout: .now() + .seconds(60))
  }

  private func add(_ job: @escaping @Sendable (inout State) -> ServerCore.Event?) {
    queue.async { [self] in
      guard let event = state.withLock({ job(&$0) }) else { return }
      events.withLock { $0.append(event) }
      waker.wake()
    }
  }
}

extension PartQueue.State {
  /// Does something with the part that a header names, which begins if it has not. Where that fails nothing of it is left.
  fileprivate mutating func attempt(
    _ header: PartHeader, _ body: (PartWriter) throws -> ServerCore.Event
  ) -> ServerCore.Event {
    do {
      if writer?.header != header {
        abandon()
        guard let folder else {
          return .unwritten(checkpoint: header.checkpoint, "the server has no directory to write to.")
        }
        writer = try PartWriter(in: folder, header)
      }
      return try body(writer!)
    } catch {
      abandon()
      return .unwritten(checkpoint: header.checkpoint, "\(error)")
    }
  }

  fileprivate mutating func abandon() {
    writer?.abandon()
    writer = nil
  }
}
