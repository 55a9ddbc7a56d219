import Features
import Foundation
import Job
import Sharding
import Wire

/// Who reads which rows, fixed when the run starts: a partition of the data for each slice, whoever computes the slice.
///
/// Partitions, encoding and vocabulary are *articles*: bytes named by their digest, which workers fetch if they lack
/// them. A worker hears of its own slices' alone, so that what it is sent does not grow with the data of others.
public struct DataPlan: Sendable {
  /// Everything a worker may fetch.
  public private(set) var articles: [Digest: [UInt8]] = [:]
  private var encoding: Digest
  private var vocabulary: Digest?
  /// By slice.
  public private(set) var train: [Digest] = []
  public private(set) var evaluation: [Digest] = []
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
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    encoding = SHA256.hash([])
    var steps = 0
    if let encoding = (train ?? evaluation)?.encoding, let bytes = try? encoder.encode(encoding) {
      self.encoding = add(Array(bytes))
    }
    if let vocabulary { self.vocabulary = add(Array(vocabulary.bytes)) }
    if let train {
      let partitions = Partition.deal(train, slices: slices, seed: seed)
      steps = partitions.stepsPerEpoch(sliceRows: sliceRows)
      self.train = partitions.map { add($0.encoded()) }
    }
    epochSteps = UInt64(steps)
    if let evaluation {
      self.evaluation = Partition.deal(evaluation, slices: slices, seed: nil).map { add($0.encoded()) }
    }
  }

  private mutating func add(_ bytes: [UInt8]) -> Digest {
    let digest = SHA256.hash(bytes)
    articles[digest] = bytes
    return digest
  }

  /// What a worker with these slices needs to know.
  func articles(forSlices slices: [Int]) -> DataArticles {
    DataArticles(
      encoding: encoding, train: train.isEmpty ? [] : slices.map { train[$0] },
      evaluation: evaluation.isEmpty ? [] : slices.map { evaluation[$0] }, vocabulary: vocabulary,
      usesAdmission: usesAdmission)
  }
}
