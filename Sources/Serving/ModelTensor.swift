import DeepFM

/// An array of a model's file.
struct ModelTensor {
  var name: String
  var type = "F32"
  var shape: [Int]
  /// Gives the bytes, piece by piece; may be called again.
  var write: (_ put: (UnsafeRawBufferPointer) throws -> Void) throws -> Void

  var bytes: Int { shape.reduce(Self.sizes[type]!, *) }

  /// Bytes of a number, by type.
  static let sizes = ["F32": 4, "F16": 2, "I8": 1, "U32": 4, "U64": 8]

  /// What a safetensors header says of it.
  struct Entry: Codable {
    let dtype: String
    let shape: [Int]
    let dataOffsets: [Int]

    enum CodingKeys: String, CodingKey {
      case dtype, shape
      case dataOffsets = "data_offsets"
    }
  }
}

extension DenseLayout.Tensor {
  /// As other programs have it: vectors are no matrices of one row.
  var shape: [Int] { rows == 1 ? [columns] : [rows, columns] }
}

/// Names in a model's file that its writer and its reader agree on.
enum ModelFormat {
  /// Of the format.
  static let whole = "deepfm 2"
  static let delta = "deepfm 2 delta"
  /// Of tensors.
  static let vocabulary = "vocabulary.keys"
  static let removed = "removed.keys"
}
