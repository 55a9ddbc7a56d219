import Foundation
import Synchronization

/// Threads that read and encode windows of chunks ahead of need.
public final class ReaderThreads: Sendable {
  /// Some chunks' rows, under way or read.
  ///
  /// `@unchecked Sendable`: handed over, never shared. Whoever reads it has it until `ready` is signalled.
  final class Window: @unchecked Sendable {
    private let ready = DispatchSemaphore(value: 0)
    private var result: Result<Batch, any Error>
    fileprivate var chunks: ArraySlice<Int> = []

    init(fields: Int) { result = .success(Batch(fields: fields)) }

    fileprivate func fill(_ read: (inout Batch) throws -> Void) {
      defer { ready.signal() }
      guard case .success(var batch) = result else { return }
      // Its memory is used again, which a second reference would prevent.
      result = .success(Batch(fields: batch.fields))
      batch.reset()
      do {
        try read(&batch)
        result = .success(batch)
      } catch {
        result = .failure(error)
      }
    }

    /// Waits for the rows.
    func rows() throws -> Batch {
      ready.wait()
      return try result.get()
    }
  }

  private let index: DatasetIndex
  private let tasks = BoundedQueue<Window>(capacity: 1 << 16)
  private let count: Int
  /// Without threads, whoever needs a window reads it.
  private let inline: Mutex<ChunkReader>

  /// - Parameters:
  ///   - vocabulary: the values that have keys of their own, where the encoding names a vocabulary.
  ///   - count: 0 to read when rows are needed and no sooner.
  public init(_ index: DatasetIndex, vocabulary: Vocabulary?, count: Int) {
    self.index = index
    self.count = count
    inline = Mutex(ChunkReader(index, vocabulary: vocabulary))
    for number in 0..<count {
      let reader = Mutex(ChunkReader(index, vocabulary: vocabulary))
      let thread = Thread { [tasks, index] in
        while let window = tasks.pop() { reader.withLock { Self.read(window, index, $0) } }
      }
      thread.name = "reader-\(number)"
      thread.start()
    }
  }

  deinit { tasks.cancel() }

  private static func read(_ window: Window, _ index: DatasetIndex, _ reader: ChunkReader) {
    window.fill { batch in
      for chunk in window.chunks { try reader.read(index.chunks[chunk], into: &batch) }
    }
  }

  /// Has the window filled with the chunks' rows.
  func load(_ chunks: ArraySlice<Int>, into window: Window) {
    window.chunks = chunks
    if count > 0 {
      _ = tasks.push(window)
    } else {
      inline.withLock { Self.read(window, index, $0) }
    }
  }

  var readsAhead: Bool { count > 0 }
}
