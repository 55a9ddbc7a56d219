import DeepFM
import Features
import Foundation
import Sharding

/// A trained model as one file that other programs read: safetensors (https://github.com/huggingface/safetensors).
///
/// | tensor | type, shape | is |
/// |---|---|---|
/// | `sparse.keys` | U64 `[n]` | keys of the features that have rows; of categories their hash (`FeatureHash`), of libfm and its kin the index |
/// | `sparse.weight` | F32 `[n]` | order-1 weights w, where the model has them |
/// | `sparse.vector` | F32 `[n, k]` | latent vectors V, where the model has them |
/// | `sparse.embedding` | F32 `[n, k + 1]` | the deep part's own vectors, where it has them |
/// | `sparse.vector.scale` | F32 `[n]` | where rows are I8: what a row's numbers are multiplied by; the same of `sparse.embedding` |
/// | `removed.keys` | U64 | of a delta: keys whose rows are gone |
/// | `vocabulary.keys` | U64 | where the data are encoded with a vocabulary, keys of the values that have features of their own |
/// | `hidden0.weights`, `hidden0.bias`, ..., `output.weights`, `bias` | F32 | dense parameters: weights `[inputs, neurons]` |
///
/// `__metadata__` holds as JSON texts: `model` (its configuration), `encoding` (how data become features), whether rows that are not there
/// stand for features that were not admitted (`uses_admission`), the SHA-256 of the
/// parameters, and what the file is of. `SafetensorsFile` reads it.
///
/// A file that holds the optimizers' state as well, for those who train elsewhere, says their rules in `optimizer` and has
///
/// | tensor | type, shape | is |
/// |---|---|---|
/// | `optimizer.sparse.<state>` | F32 `[n, columns]` | of all columns of `sparse`, in the order above; states are those of `OptimizerDescription.Rule.states` |
/// | `optimizer.sparse.updates` | U32 `[n]` | of Adam: how often a row was updated |
/// | `optimizer.<layer>.<state>` | F32 | of a dense parameter, in its shape; Adam has updated each once a step |
public struct ModelExport {
  private let trained: ScoringModel
  private let rows: RowPrecision
  private var model: any Model<Float> { trained.model }
  private let state: ModelState
  private let optimizer: OptimizerState?
  /// Of a delta: ranks of rows that are gone.
  private let removed: [UInt64]?
  private var metadata: [String: String]

  /// - Parameters:
  ///   - rows: how features' rows are written.
  ///   - optimizer: of the same checkpoint; nil: it is left out.
  public init(_ trained: ScoringModel, rows: RowPrecision = .fp32, optimizer: OptimizerState? = nil) {
    self.trained = trained
    self.rows = rows
    state = trained.state
    self.optimizer = optimizer
    removed = nil
    metadata = ["format": ModelFormat.whole]
    // Of rows that are written otherwise it would be another model's.
    if rows == .fp32 { metadata["sha256"] = trained.digest().description }
  }

  /// What has changed since another model of the same run: see `SafetensorsFile.apply`.
  public init(_ trained: ScoringModel, since base: ScoringModel) {
    self.trained = trained
    rows = .fp32
    let delta = StateDelta(from: base.state, to: trained.state)
    (state, removed, optimizer) = (delta.changed, delta.removed, nil)
    metadata = [
      "format": ModelFormat.delta, "sha256": trained.digest().description,
      "base_sha256": base.digest().description, "base_checkpoint": base.origin["checkpoint"] ?? "",
    ]
  }

  /// Features whose rows are in the file.
  public var features: Int { state.rows }

  private func makeTensors() throws -> [ModelTensor] {
    var tensors = [
      ModelTensor(name: "sparse.keys", type: "U64", shape: [state.rows]) { put in
        try state.forEachRow { key, _ in try withUnsafeBytes(of: key.littleEndian, put) }
      }
    ]
    var first = 0
    for column in model.sparse.columns {
      tensors += rows.tensors(of: column.name, first..<first + column.width, state)
      first += column.width
    }
    for tensor in model.dense.tensors {
      tensors.append(
        ModelTensor(name: tensor.name, shape: tensor.shape) { put in
          try state.dense[tensor.offset..<tensor.offset + tensor.count].withUnsafeBytes(put)
        })
    }
    if let vocabulary = trained.vocabulary {
      tensors.append(
        ModelTensor(name: ModelFormat.vocabulary, type: "U64", shape: [vocabulary.keys.count]) { put in
          try vocabulary.bytes.withUnsafeBytes(put)
        })
    }
    if let removed {
      tensors.append(
        ModelTensor(name: ModelFormat.removed, type: "U64", shape: [removed.count]) { put in
          try removed.map { Rank.key(of: $0).littleEndian }.withUnsafeBytes(put)
        })
    }
    return tensors + (try optimizer?.tensors(of: model, rows: state.rows) ?? [])
  }

  /// Writes the file, which appears when it is complete.
  ///
  /// - Parameter progress: called with the bytes that are written, and all.
  /// - Throws: `DatasetError.cannotWrite`; what `progress` throws.
  public func write(
    to path: String, progress: (_ done: Int, _ all: Int) throws -> Void = { _, _ in }
  ) throws {
    let tensors = try makeTensors()
    let all = tensors.reduce(0) { $0 + $1.bytes }
    let file = try OutputFile(path: path)
    let header = try header(tensors)
    try withUnsafeBytes(of: UInt64(header.count).littleEndian) { try file.write($0) }
    try file.write(header)
    var done = 0
    for tensor in tensors {
      try tensor.write { bytes in
        try file.write(bytes)
        let megabytes = done >> 20
        done += bytes.count
        if done >> 20 > megabytes { try progress(done, all) }
      }
    }
    try file.close()
  }

  /// Writes the same arrays for numpy's `load`, and the metadata as bytes of JSON, `metadata`.
  ///
  /// - Throws: as above.
  public func writeNumpy(
    to path: String, progress: (_ done: Int, _ all: Int) throws -> Void = { _, _ in }
  ) throws {
    let tensors = try makeTensors()
    let all = tensors.reduce(0) { $0 + $1.bytes }
    var archive = try NumpyArchive(path: path)
    let text = Array(try Self.text(allMetadata).utf8)
    try archive.append("metadata", type: "U8", shape: [text.count], bytes: text.count) { try text.withUnsafeBytes($0) }
    var done = 0
    for tensor in tensors {
      try archive.append(
        tensor.name, type: tensor.type, shape: tensor.shape, bytes: tensor.bytes, write: tensor.write)
      done += tensor.bytes
      try progress(done, all)
    }
    try archive.close()
  }

  private static func text(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  private var allMetadata: [String: String] {
    get throws {
      var metadata = metadata.merging(trained.origin) { $1 }
      metadata["model"] = try Self.text(model.configuration)
      metadata["encoding"] = try Self.text(trained.encoding)
      if let optimizer { metadata["optimizer"] = try Self.text(optimizer.rules) }
      metadata["uses_admission"] = "\(trained.usesAdmission)"
      return metadata
    }
  }

  /// JSON, with spaces up to a multiple of 8, so that the numbers behind it lie even in memory.
  private func header(_ tensors: [ModelTensor]) throws -> [UInt8] {
    var offset = 0
    let entries = try tensors.map { tensor in
      defer { offset += tensor.bytes }
      let entry = ModelTensor.Entry(
        dtype: tensor.type, shape: tensor.shape, dataOffsets: [offset, offset + tensor.bytes])
      return "\(try Self.text(tensor.name)):\(try Self.text(entry))"
    }
    var bytes = Array("{\"__metadata__\":\(try Self.text(allMetadata)),\(entries.joined(separator: ","))}".utf8)
    bytes += [UInt8](repeating: 32, count: (8 - bytes.count % 8) % 8)
    return bytes
  }
}
