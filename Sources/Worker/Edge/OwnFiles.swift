import Features
import Foundation
import Synchronization

/// The data files that only this worker can read, as far as it knows them without a survey.
///
/// Data are surveyed once, when a run starts. A worker that comes later is told what the others found: which rows lie where
/// in files of which names. It only has to know where its own are.
package final class OwnFiles: Sendable {
  /// Each once.
  let paths: [String]
  /// A directory for copies of what cannot be sought.
  private let spool: String
  private let inbox: Inbox
  /// Copies that were made, by the name of the file.
  private let copies = Mutex<[String: DatasetIndex.File]>([:])
  private let isCancelled = Atomic(false)

  /// - Parameter patterns: names of files, directories and patterns.
  /// - Throws: `DatasetError.noMatch`.
  package init(_ patterns: [String], spool: String, inbox: Inbox) throws {
    paths = DataFiles.distinct(try DataFiles.expand(patterns))
    self.spool = spool
    self.inbox = inbox
  }

  /// Without directories: what a coordinator knows them by.
  package var names: [String] { paths.map(Self.name) }

  private static func name(_ path: String) -> String { (path as NSString).lastPathComponent }

  /// Adds to a preparation the files that its partitions name and no survey has found.
  ///
  /// - Throws: `DatasetError` where one cannot be read, `Partition.Malformed`, `CancellationError`.
  package func complete(_ preparation: inout Preparation) throws {
    let surveyed = Set(preparation.ownFiles.map(\.baseName))
    let others = paths.filter { !surveyed.contains(Self.name($0)) }
    guard !others.isEmpty else { return }
    let data = preparation.assignment.data
    var wanted: Set<String> = []
    for digest in data.train + data.evaluation {
      guard let article = preparation.articles[digest] else { continue }
      // What all can read has a path.
      for file in try Partition(decoding: article).files where file.path.isEmpty { wanted.insert(file.baseName) }
    }
    for path in others where wanted.contains(Self.name(path)) {
      preparation.ownFiles.append(try seekable(path, encoding: preparation.articles[data.encoding] ?? []))
    }
  }

  /// Lets what is being copied end.
  func cancel() { isCancelled.store(true, ordering: .relaxed) }

  private func seekable(_ path: String, encoding: [UInt8]) throws -> DatasetIndex.File {
    guard Self.isCompressed(path) else {
      return DatasetIndex.File(name: path, path: URL(fileURLWithPath: path).path)
    }
    let name = Self.name(path)
    if let copy = copies.withLock({ $0[name] }) { return copy }
    // Reading through it undoes the compression, into a copy that can be sought.
    let encoding = try JSONDecoder().decode(Encoding.self, from: Data(encoding))
    let clock = ContinuousClock()
    var lastTold = clock.now
    let reading = ReadingOptions(spool: "\(spool)/own/\(name)", badRows: .skip(limit: .max), threads: 1) { _, _ in
      if self.isCancelled.load(ordering: .relaxed) { throw CancellationError() }
      guard clock.now - lastTold >= .milliseconds(100) else { return }
      lastTold = clock.now
      self.inbox.put(.surveyProgress)
    }
    let copy = try DatasetSurvey.run([path], .known(encoding), reading).files[0]
    copies.withLock { $0[name] = copy }
    return copy
  }

  private static func isCompressed(_ path: String) -> Bool {
    guard let file = FileHandle(forReadingAtPath: path), let first = try? file.read(upToCount: 4) else { return false }
    let gzip: [UInt8] = [0x1f, 0x8b]
    let zstd: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd]
    return first.starts(with: gzip) || first.starts(with: zstd)
  }
}
