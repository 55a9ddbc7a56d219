import Checkpoint
import Features
import Foundation
import Job
import Sharding

/// Who reads which rows, fixed when a stage starts: a partition of the data for each slice, whoever computes the slice.
///
/// Partitions, encoding and vocabulary are *articles*: bytes named by their digest, which workers fetch if they lack
/// them. A worker hears of its own slices' alone, so that what it is sent does not grow with the data of others.
public struct DataPlan: Sendable {
  /// Everything a worker may fetch.
  public let articles: [Digest: [UInt8]]
  private let encoding: Digest
  private let vocabulary: Digest?
  /// By slice.
  public let train: [Digest]
  public let evaluation: [Digest]
  private let usesAdmission: Bool
  /// Rows of training data.
  public let rows: Int
  /// Steps until the longest slice has read its rows. Shorter ones end with empty steps.
  public let epochSteps: UInt64
  /// By chunk of the evaluation data, its rows; nil where there are none.
  let evaluationRows: [Int]?
  /// By slice, the names of the files that it takes to read it; nil where everyone can read all.
  let files: [Set<String>]?

  /// - Parameters:
  ///   - train: by slice; empty where nothing is trained.
  ///   - evaluation: by slice; empty where there is nothing to evaluate on.
  ///   - isLocal: whether workers have files that others cannot read.
  init(
    train: [Partition], evaluation: [Partition], sliceRows: Int, encoding: Encoding?, vocabulary: Vocabulary?,
    usesAdmission: Bool, isLocal: Bool
  ) {
    self.usesAdmission = usesAdmission
    rows = train.reduce(0) { $0 + $1.rows }
    evaluationRows = evaluation.isEmpty ? nil : Self.chunkRows(evaluation)
    let all = train.indices.map { [train[$0]] + (evaluation.isEmpty ? [] : [evaluation[$0]]) }
    files = isLocal ? all.map { Set($0.flatMap { $0.files.map(\.baseName) }) } : nil
    var articles: [Digest: [UInt8]] = [:]
    func add(_ bytes: [UInt8]) -> Digest {
      let digest = SHA256.hash(bytes)
      articles[digest] = bytes
      return digest
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let description = encoding.flatMap { try? encoder.encode($0) }
    self.encoding = add(Array(description ?? Data()))
    self.vocabulary = vocabulary.map { add(Array($0.bytes)) }
    epochSteps = UInt64(train.stepsPerEpoch(sliceRows: sliceRows))
    self.train = train.map { add($0.encoded()) }
    self.evaluation = evaluation.map { add($0.encoded()) }
    self.articles = articles
  }

  private static func chunkRows(_ partitions: [Partition]) -> [Int] {
    var rows = [Int](repeating: 0, count: partitions.reduce(0) { $0 + $1.chunks.count })
    for partition in partitions {
      for (number, chunk) in zip(partition.numbers, partition.chunks) { rows[number] = chunk.rows }
    }
    return rows
  }

  /// What the catalogue keeps: who reads what is fixed for as long as the stage lives.
  public func catalogued(stage: Int) -> [PartitionRecord] {
    func records(_ purpose: String, _ digests: [Digest]) -> [PartitionRecord] {
      digests.enumerated().map {
        PartitionRecord(
          stage: stage, purpose: purpose, slice: $0, digest: "\($1)", article: Data(articles[$1] ?? []))
      }
    }
    return records("train", train) + records("evaluation", evaluation)
  }

  /// What a worker with these slices needs to know.
  func articles(forSlices slices: [Int]) -> DataArticles {
    DataArticles(
      encoding: encoding, train: train.isEmpty ? [] : slices.map { train[$0] },
      evaluation: evaluation.isEmpty ? [] : slices.map { evaluation[$0] }, vocabulary: vocabulary,
      usesAdmission: usesAdmission)
  }

  /// The slices whose data a process with these files can read; nil: all.
  func readable(with files: [String]) -> Set<Int>? {
    guard let needed = self.files else { return nil }
    let own = Set(files)
    return Set(needed.indices.filter { needed[$0].isSubset(of: own) })
  }
}
