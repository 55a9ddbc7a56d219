import DeepFM
import Features
import Foundation
import Sharding

/// A model that `ModelExport` wrote.
public enum SafetensorsFile {
  public static let suffix = ".safetensors"

  private enum Item: Decodable {
    case tensor(ModelTensor.Entry)
    case metadata([String: String])

    init(from decoder: any Decoder) throws {
      if let entry = try? ModelTensor.Entry(from: decoder) {
        self = .tensor(entry)
      } else {
        self = .metadata(try [String: String](from: decoder))
      }
    }
  }

  /// Reads a model.
  ///
  /// - Throws: `ModelFileError`.
  public static func read(_ path: String) throws -> ScoringModel {
    let file = try Content(path)
    guard file.format == ModelFormat.whole else {
      throw file.failure(
        file.format == ModelFormat.delta
          ? "it is a delta: put it on its base with `deepfm apply`"
          : "it is of the format \"\(file.format)\", this program reads \"\(ModelFormat.whole)\". Export it anew")
    }
    let model = try file.model()
    guard file.metadata["sha256"].map({ $0 == model.digest().description }) ?? true else {
      throw file.failure("its parameters are not those that were written: it is damaged. Export it anew")
    }
    return model
  }

  /// The model that a delta leads to from the one that it was made of.
  ///
  /// - Throws: `ModelFileError` where it is none, or was made of another.
  public static func apply(_ path: String, to base: ScoringModel) throws -> ScoringModel {
    let file = try Content(path)
    guard file.format == ModelFormat.delta else { throw file.failure("it is no delta") }
    let wanted = base.digest().description
    guard file.metadata["base_sha256"] == wanted else {
      throw file.failure(
        "it stands on checkpoint \(file.metadata["base_checkpoint"] ?? "?"), not on this model"
          + (base.origin["checkpoint"].map { ", of checkpoint \($0)" } ?? ""))
    }
    let delta = try file.model()
    let removed = try file.numbers(ModelFormat.removed, "U64", nil, as: UInt64.self).map { Rank.of($0) }
    let state = StateDelta(changed: delta.state, removed: removed).applied(to: base.state)
    let model = ScoringModel(
      delta.model, state, encoding: delta.encoding, vocabulary: delta.vocabulary, usesAdmission: delta.usesAdmission,
      origin: delta.origin)
    guard model.digest().description == file.metadata["sha256"] else {
      throw file.failure("what it leads to is not what it was made of: it is damaged")
    }
    return model
  }

  /// A file's bytes and what its header says of them.
  private struct Content {
    let path: String
    private let data: Data
    private let header: [String: Item]
    private let base: Int
    let metadata: [String: String]
    var format: String { metadata["format"] ?? "" }

    func failure(_ reason: String) -> ModelFileError { ModelFileError(path: path, reason: reason) }

    init(_ path: String) throws {
      func failure(_ reason: String) -> ModelFileError { ModelFileError(path: path, reason: reason) }
      self.path = path
      do {
        data = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
      } catch {
        throw failure(error.localizedDescription)
      }
      guard data.count >= 8 else { throw failure("it is too short") }
      let length = data.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
      guard length <= UInt64(data.count - 8), length < 100 << 20,
        let header = try? JSONDecoder().decode([String: Item].self, from: data[8..<8 + Int(length)])
      else { throw failure("its header is damaged, or it is no safetensors file") }
      guard case .metadata(let metadata)? = header["__metadata__"], metadata["format"]?.hasPrefix("deepfm ") == true
      else { throw failure("`deepfm export` did not write it") }
      (self.header, self.metadata, base) = (header, metadata, 8 + Int(length))
      // Tensors that nobody reads here, optimizers' state, must be there as well.
      let end = header.values.compactMap { if case .tensor(let entry) = $0 { entry.dataOffsets.last } else { nil } }
        .max()
      guard end ?? 0 <= data.count - base else { throw failure("it is shortened") }
    }

    private func type(_ name: String) -> String? {
      if case .tensor(let entry)? = header[name] { entry.dtype } else { nil }
    }

    /// - Parameter count: of its numbers; nil for any.
    private func bytes(_ name: String, _ type: String, _ count: Int?) throws -> Data {
      guard case .tensor(let entry)? = header[name] else { throw failure("it has no tensor \(name)") }
      var elements = 1
      for size in entry.shape {
        let (product, overflows) = elements.multipliedReportingOverflow(by: size)
        guard size >= 0, !overflows else { throw failure("the shape of \(name) is \(entry.shape)") }
        elements = product
      }
      guard let size = ModelTensor.sizes[type], entry.dtype == type, count.map({ $0 == elements }) ?? true,
        entry.dataOffsets.count == 2, entry.dataOffsets[0] >= 0, entry.dataOffsets[0] <= entry.dataOffsets[1],
        entry.dataOffsets[1] <= data.count - base, elements <= data.count / size,
        entry.dataOffsets[1] - entry.dataOffsets[0] == elements * size
      else { throw failure("the tensor \(name) does not fit the model, or the file is shortened") }
      return data[base + entry.dataOffsets[0]..<base + entry.dataOffsets[1]]
    }

    func numbers<Number>(_ name: String, _ type: String, _ count: Int?, as: Number.Type = Number.self) throws
      -> [Number]
    {
      try bytes(name, type, count).withUnsafeBytes { bytes in
        let size = MemoryLayout<Number>.size
        return (0..<bytes.count / size).map { bytes.loadUnaligned(fromByteOffset: $0 * size, as: Number.self) }
      }
    }

    /// A column group of the features' rows, `[rows x width]`, whatever its precision.
    private func columns(_ name: String, rows: Int, width: Int) throws -> [Float] {
      let name = "sparse.\(name)"
      switch type(name) {
      case "F16": return try numbers(name, "F16", rows * width, as: Float16.self).map { Float($0) }
      case "I8":
        let scales: [Float] = try numbers(name + ".scale", "F32", rows)
        return try numbers(name, "I8", rows * width, as: Int8.self).enumerated().map { Float($1) * scales[$0 / width] }
      default: return try numbers(name, "F32", rows * width)
      }
    }

    private func decoded<Value: Decodable>(_ name: String) throws -> Value {
      guard let text = metadata[name], let value = try? JSONDecoder().decode(Value.self, from: Data(text.utf8)) else {
        throw failure("its \(name) cannot be read")
      }
      return value
    }

    func model() throws -> ScoringModel {
      let model = try makeModel(decoded("model"))
      let encoding: Encoding = try decoded("encoding")
      guard encoding.fields.count == model.configuration.fields else {
        throw failure("its encoding is of other fields")
      }
      let ranks = try numbers("sparse.keys", "U64", nil, as: UInt64.self).map { Rank.of($0) }
      guard ranks.ascends else { throw failure("its keys are not in the order of their ranks") }
      let columns = try model.sparse.columns.map {
        (width: $0.width, values: try self.columns($0.name, rows: ranks.count, width: $0.width))
      }
      var dense = [Float](repeating: 0, count: model.dense.count)
      for tensor in model.dense.tensors {
        let values: [Float] = try numbers(tensor.name, "F32", tensor.count)
        dense.replaceSubrange(tensor.offset..<tensor.offset + tensor.count, with: values)
      }
      let state = ModelState(width: model.sparse.width, ranks: ranks, dense: dense) { rows in
        var first = 0
        for (width, values) in columns {
          for row in 0..<ranks.count {
            for column in 0..<width { rows[row * model.sparse.width + first + column] = values[row * width + column] }
          }
          first += width
        }
      }
      var vocabulary: Vocabulary?
      if encoding.vocabulary != nil { vocabulary = Vocabulary(try numbers(ModelFormat.vocabulary, "U64", nil)) }
      var origin = metadata
      for name in [
        "format", "model", "encoding", "optimizer", "uses_admission", "sha256", "base_sha256", "base_checkpoint",
      ] {
        origin[name] = nil
      }
      return ScoringModel(
        model, state, encoding: encoding, vocabulary: vocabulary, usesAdmission: metadata["uses_admission"] == "true",
        origin: origin)
    }
  }
}

/// A model's file that cannot be used.
public struct ModelFileError: Error, Equatable, CustomStringConvertible {
  public let path: String
  public let reason: String

  public init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }

  public var description: String { "\(path): \(reason)." }
}
