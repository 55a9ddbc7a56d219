import Checkpoint
import Features
import Foundation
import Job
import Sharding

/// Who reads which rows, fixed when the run starts: a partition of the data for each slice, whoever computes the slice.
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

  init(
    train: DatasetIndex?, evaluation: DatasetIndex?, slices: Int, sliceRows: Int, seed: UInt64,
    vocabulary: Vocabulary?, usesAdmission: Bool
  ) {
    self.usesAdmission = usesAdmission
    rows = train?.rows ?? 0
    evaluationRows = evaluation?.chunks.map(\.rows)
    var articles: [Digest: [UInt8]] = [:]
    func add(_ bytes: [UInt8]) -> Digest {
      let digest = SHA256.hash(bytes)
      articles[digest] = bytes
      return digest
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let description = (train ?? evaluation).flatMap { try? encoder.encode($0.encoding) }
    encoding = add(Array(description ?? Data()))
    self.vocabulary = vocabulary.map { add(Array($0.bytes)) }
    let partitions = train.map { Partition.deal($0, slices: slices, seed: seed) } ?? []
    epochSteps = UInt64(partitions.stepsPerEpoch(sliceRows: sliceRows))
    self.train = partitions.map { add($0.encoded()) }
    self.evaluation =
      evaluation.map { Partition.deal($0, slices: slices, seed: nil).map { add($0.encoded()) } } ?? []
    self.articles = articles
  }

  /// What the catalogue keeps: who reads what is fixed for as long as the run lives.
  public var catalogued: [PartitionRecord] {
    func records(_ purpose: String, _ digests: [Digest]) -> [PartitionRecord] {
      digests.enumerated().map {
        PartitionRecord(purpose: purpose, slice: $0, digest: "\($1)", article: Data(articles[$1] ?? []))
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
}
