import DeepFM
import Features
import Foundation
import Sharding

/// A model that `ModelExport` wrote.
public enum SafetensorsFile {
  public static let suffix = ".safetensors"

  private struct Entry: Decodable {
    let dtype: String
    let shape: [Int]
    let dataOffsets: [Int]

    enum CodingKeys: String, CodingKey {
      case dtype, shape
      case dataOffsets = "data_offsets"
    }
  }

  private enum Item: Decodable {
    case tensor(Entry)
    case metadata([String: String])

    init(from decoder: any Decoder) throws {
      if let entry = try? Entry(from: decoder) {
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
    func failure(_ reason: String) -> ModelFileError { ModelFileError(path: path, reason: reason) }
    let data: Data
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
    guard case .metadata(let metadata)? = header["__metadata__"], let format = metadata["format"],
      format.hasPrefix("deepfm ")
    else { throw failure("`deepfm export` did not write it") }
    guard format == ModelExport.format else {
      throw failure("it is of the format \"\(format)\", this program reads \"\(ModelExport.format)\". Export it anew")
    }
    let base = 8 + Int(length)

    func bytes(_ name: String, _ type: String, _ count: Int?) throws -> Data {
      guard case .tensor(let entry)? = header[name] else { throw failure("it has no tensor \(name)") }
      var elements = 1
      for size in entry.shape {
        let (product, overflows) = elements.multipliedReportingOverflow(by: size)
        guard size >= 0, !overflows else { throw failure("the shape of \(name) is \(entry.shape)") }
        elements = product
      }
      let size = type == "F32" ? 4 : 8
      guard entry.dtype == type, count.map({ $0 == elements }) ?? true, entry.dataOffsets.count == 2,
        entry.dataOffsets[0] >= 0, entry.dataOffsets[0] <= entry.dataOffsets[1],
        entry.dataOffsets[1] <= data.count - base, elements <= data.count / size,
        entry.dataOffsets[1] - entry.dataOffsets[0] == elements * size
      else { throw failure("the tensor \(name) does not fit the model, or the file is shortened") }
      return data[base + entry.dataOffsets[0]..<base + entry.dataOffsets[1]]
    }
    func decoded<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
      guard let text = metadata[name], let value = try? JSONDecoder().decode(Value.self, from: Data(text.utf8)) else {
        throw failure("its \(name) cannot be read")
      }
      return value
    }
    func numbers<Number>(_ data: Data, as type: Number.Type = Number.self) -> [Number] {
      data.withUnsafeBytes { bytes in
        (0..<bytes.count / MemoryLayout<Number>.size).map {
          bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Number>.size, as: Number.self)
        }
      }
    }

    let model = try makeModel(decoded("model"))
    let encoding: Encoding = try decoded("encoding")
    guard encoding.fields.count == model.configuration.fields else { throw failure("its encoding is of other fields") }
    let ranks = numbers(try bytes("sparse.keys", "U64", nil), as: UInt64.self).map { Rank.of($0) }
    guard ranks.ascends else { throw failure("its keys are not in the order of their ranks") }
    let columns = try model.sparse.columns.map {
      (width: $0.width, data: try bytes("sparse.\($0.name)", "F32", ranks.count * $0.width))
    }
    var dense = [Float](repeating: 0, count: model.dense.count)
    for tensor in model.dense.tensors {
      let values: [Float] = numbers(try bytes(tensor.name, "F32", tensor.count))
      dense.replaceSubrange(tensor.offset..<tensor.offset + tensor.count, with: values)
    }
    let state = ModelState(width: model.sparse.width, ranks: ranks, dense: dense) { rows in
      var first = 0
      for (width, data) in columns {
        data.withUnsafeBytes { bytes in
          for row in 0..<ranks.count {
            UnsafeMutableRawPointer(rows + row * model.sparse.width + first).copyMemory(
              from: bytes.baseAddress! + row * width * 4, byteCount: width * 4)
          }
        }
        first += width
      }
    }
    var vocabulary: Vocabulary?
    if encoding.vocabulary != nil {
      vocabulary = Vocabulary(bytes: Data(try bytes(ModelExport.vocabulary, "U64", nil)))
    }
    var origin = metadata
    for name in ["format", "model", "encoding", "uses_admission"] { origin[name] = nil }
    return ScoringModel(
      model, state, encoding: encoding, vocabulary: vocabulary, usesAdmission: metadata["uses_admission"] == "true",
      origin: origin)
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
