import ArgumentParser
import Features

extension DataFiles {
  /// Refuses to write where the data are read from.
  static func protect(_ data: [String], from outputs: [String]) throws {
    if let path = collision(of: outputs, with: data) {
      throw ValidationError("--out: \(path) is one of the data files, which it would replace. Choose another name.")
    }
  }
}
