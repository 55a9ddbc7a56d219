import Foundation
import Synchronization

/// Threads that read and encode windows of chunks ahead of need, for the readers of one or several partitions.
public final class ReaderThreads: Sendable {
  /// Some chunks' rows, under way or read.
  ///
  /// `@unchecked Sendable`: handed over, never shared. Whoever reads it has it until `ready` is signalled.
  final class Window: @unchecked Sendable {
    private let fields: Int
    private let ready = DispatchSemaphore(value: 0)
    private let isAbandoned = Atomic(false)
    private var result: Result<Batch, any Error>
    fileprivate var partition: Partition?
    fileprivate var chunks: ArraySlice<Int> = []

    init(fields: Int) {
      self.fields = fields
      result = .success(Batch(fields: fields))
    }

    /// - Parameter isStopping: whether nobody wants what is not read yet.
    fileprivate func fill(with reader: ChunkReader, unless isStopping: () -> Bool) {
      defer { ready.signal() }
      var batch = (try? result.get()) ?? Batch(fields: fields)
      // Its memory is used again, which a second reference would prevent.
      result = .success(Batch(fields: fields))
      batch.reset()
      do {
        if let partition {
          for number in chunks {
            guard !isStopping(), !isAbandoned.load(ordering: .relaxed) else { throw CancellationError() }
            let chunk = partition.chunks[number]
            try reader.read(chunk, of: partition.files[chunk.file], into: &batch)
          }
        }
        result = .success(batch)
      } catch {
        result = .failure(error)
      }
    }

    /// Waits for the rows of what was asked for last. To be called once for each time.
    func rows() throws -> Batch {
      ready.wait()
      return try result.get()
    }

    /// In place of `rows`, where nobody wants them.
    func abandon() {
      isAbandoned.store(true, ordering: .relaxed)
      ready.wait()
      isAbandoned.store(false, ordering: .relaxed)
    }
  }

  private let encoding: Encoding
  private let tasks: BoundedQueue<Window>
  private let threads: [NamedThread]
  private let isStopping: StopFlag
  /// Without threads, whoever needs a window reads it.
  private let inline: Mutex<ChunkReader>

  private final class StopFlag: Sendable {
    private let flag = Atomic(false)

    var isRaised: Bool { flag.load(ordering: .relaxed) }

    func raise() { flag.store(true, ordering: .relaxed) }
  }

  /// - Parameters:
  ///   - vocabulary: the values that have keys of their own, where the encoding names a vocabulary.
  ///   - count: 0 to read when rows are needed and no sooner.
  public init(_ encoding: Encoding, vocabulary: Vocabulary? = nil, count: Int) {
    let tasks = BoundedQueue<Window>(capacity: 1 << 16)
    let isStopping = StopFlag()
    let files = OpenFiles()
    self.encoding = encoding
    self.tasks = tasks
    self.isStopping = isStopping
    inline = Mutex(ChunkReader(encoding, vocabulary: vocabulary, files: files))
    threads = (0..<count).map { number in
      NamedThread("reader-\(number)") {
        let reader = ChunkReader(encoding, vocabulary: vocabulary, files: files)
        while let window = tasks.pop() { window.fill(with: reader) { isStopping.isRaised } }
      }
    }
  }

  deinit { stop() }

  /// Ends and joins the threads. Windows that are not read yet, and those asked for later, end in `CancellationError`.
  public func stop() {
    isStopping.raise()
    // Whoever waits for a window is told, so none is dropped.
    tasks.close()
    for thread in threads { thread.end() }
  }

  var fields: Int { encoding.fields.count }
  var readsAhead: Bool { !threads.isEmpty }

  /// Has the window filled with the chunks' rows.
  ///
  /// - Parameter chunks: positions in the partition's.
  func load(_ chunks: ArraySlice<Int>, of partition: Partition, into window: Window) {
    window.partition = partition
    window.chunks = chunks
    if readsAhead, tasks.push(window) { return }
    inline.withLock { window.fill(with: $0) { isStopping.isRaised } }
  }
}
