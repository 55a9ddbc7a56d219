import DeepFM
import Features
import Foundation
import Job
import Sharding

/// What a worker is to be, with everything that its assignment names: the edge makes readers and threads of it.
package struct Preparation: Sendable {
  package var view: UInt32
  package var assignment: WorkerAssignment
  /// What the assignment names, by digest, and perhaps more.
  package var articles: [Digest: [UInt8]]
  /// Files that only this worker can read.
  package var ownFiles: [DatasetIndex.File]

  package init(
    view: UInt32, assignment: WorkerAssignment, articles: [Digest: [UInt8]], ownFiles: [DatasetIndex.File] = []
  ) {
    self.view = view
    self.assignment = assignment
    self.articles = articles
    self.ownFiles = ownFiles
  }
}

/// What the core must know of what was made of a preparation.
package struct Prepared: Hashable, Sendable {
  package var view: UInt32
  /// Of the model's parameters.
  package var shape: GradientSum.Shape
  /// That compute.
  package var threads: Int
  /// Blocks of the worker's evaluation data.
  package var evaluationBlocks: Int

  package init(view: UInt32, shape: GradientSum.Shape, threads: Int, evaluationBlocks: Int) {
    self.view = view
    self.shape = shape
    self.threads = threads
    self.evaluationBlocks = evaluationBlocks
  }
}

/// A worker's model and data, as its articles describe them.
package struct WorkerData: Sendable {
  /// Rows of an evaluation block: blocks are a function of the data alone, so that logits do not depend on who computes
  /// them.
  package static let blockRows = 2048

  package let model: any Model<Float>
  package let encoding: Encoding
  package let vocabulary: Vocabulary?
  private let vocabularyDigest: Digest?
  /// In the order of the worker's slices; none where nothing is trained.
  package let train: [Partition]
  /// The same for the evaluation data.
  package let evaluation: [Partition]

  /// Decodes the articles.
  ///
  /// - Parameter before: what was decoded for an earlier view. Its vocabulary is used again, if it is the same: a large one
  ///   takes seconds, and views change while all wait.
  /// - Throws: `AssignmentError` where they do not fit together, `Partition.Malformed`, `ModelError`, `DecodingError`.
  package init(_ preparation: Preparation, after before: WorkerData? = nil) throws {
    let assignment = preparation.assignment
    func bytes(_ digest: Digest) throws -> [UInt8] {
      guard let bytes = preparation.articles[digest] else { throw AssignmentError.missing(digest) }
      return bytes
    }
    func partitions(_ digests: [Digest]) throws -> [Partition] {
      let partitions = try digests.map {
        try Partition(decoding: bytes($0)).localized(to: preparation.ownFiles)
      }
      guard partitions.isEmpty || partitions.map(\.slice) == assignment.ownedSlices else {
        throw AssignmentError.otherSlices(found: partitions.map(\.slice), expected: assignment.ownedSlices)
      }
      return partitions
    }
    encoding = try JSONDecoder().decode(Encoding.self, from: Data(bytes(assignment.data.encoding)))
    guard encoding.fields.count == assignment.model.fields else {
      throw AssignmentError.otherFields(data: encoding.fields.count, model: assignment.model.fields)
    }
    model = try makeModel(assignment.model)
    shape = GradientSum.Shape(
      width: model.sparse.width, denseCount: model.dense.count, countsClicks: assignment.countsClicks)
    vocabularyDigest = assignment.data.vocabulary
    if let before, before.vocabularyDigest == vocabularyDigest {
      vocabulary = before.vocabulary
    } else {
      vocabulary = try vocabularyDigest.map { Vocabulary(bytes: Data(try bytes($0))) }
    }
    train = try partitions(assignment.data.train)
    evaluation = try partitions(assignment.data.evaluation)
  }

  package let shape: GradientSum.Shape

  package var evaluationBlocks: Int {
    evaluation.flatMap(\.chunks).reduce(0) { $0 + ($1.rows + Self.blockRows - 1) / Self.blockRows }
  }
}

/// Why an assignment cannot be carried out.
package enum AssignmentError: Error, Hashable, CustomStringConvertible {
  case missing(Digest)
  case otherSlices(found: [Int], expected: [Int])
  case otherFields(data: Int, model: Int)
  case invalid(String)

  package var description: String {
    switch self {
    case .missing(let digest): "the article \(digest) is not there."
    case .otherSlices(let found, let expected): "the data are those of slices \(found), not of \(expected)."
    case .otherFields(let data, let model): "the data have \(data) fields, the model is one for \(model)."
    case .invalid(let reason): reason
    }
  }
}

extension WorkerAssignment {
  /// Steps that are read ahead are in memory.
  private static let mostLag = 1 << 10

  /// - Throws: `AssignmentError.invalid`.
  func validate() throws(AssignmentError) {
    func require(_ condition: Bool, _ reason: @autoclosure () -> String) throws(AssignmentError) {
      if !condition { throw .invalid(reason()) }
    }
    try require(slices > 0 && slices <= 1 << 16, "a step of \(slices) slices")
    try require(batch > 0 && batch % slices == 0, "\(batch) rows in \(slices) slices")
    try require(
      ownedSlices.ascends && ownedSlices.allSatisfy((0..<slices).contains), "slices \(ownedSlices) of \(slices)")
    try require(
      servers.map(\.number).ascends && servers.allSatisfy { (0..<SlotMap.mostServers).contains($0.number) },
      "servers of the numbers \(servers.map(\.number))")
    let places = Set(servers.map(\.number))
    if let server = slots.servers.first(where: { !places.contains($0) }) {
      throw .invalid("slots of server-\(server), which is not in the view")
    }
    if let server = servers.first(where: { $0.endpoint == nil }) {
      throw .invalid("no endpoint of server-\(server.number)")
    }
    try require(
      staleness.count == 2 && staleness.allSatisfy { (0...Self.mostLag).contains($0 ?? 0) },
      "tables that lag \(staleness) steps")
  }
}
