import ArgumentParser
import Foundation
import Job

extension ArgumentHelp {
  /// Help for a flag that is a setting, with the setting's default at its end.
  ///
  /// - Parameters:
  ///   - text: a sentence.
  ///   - note: what the default means.
  init<Value>(
    _ text: String, default setting: KeyPath<Settings, Value>, _ note: String? = nil, valueName: String? = nil
  ) {
    let value = Settings()[keyPath: setting]
    self.init(
      "\(text) Default: \(written(value))\(note.map { ", \($0)" } ?? "").", valueName: valueName)
  }

  /// Help for a flag that takes a name.
  init<Value: Choice>(
    _ text: String, default setting: KeyPath<Settings, Value>, _ note: String? = nil, valueName: String? = nil
  ) {
    self.init(
      "\(text) Default: \(Settings()[keyPath: setting].rawValue)\(note.map { ", \($0)" } ?? "").",
      valueName: valueName)
  }
}

/// A value as a flag takes it.
private func written(_ value: Any) -> String {
  switch value {
  case let number as Double: String(format: "%g", number)
  case let list as [Any]: list.map(written).joined(separator: ",")
  default: "\(value)"
  }
}

/// All names of a setting, for its help.
func names<Value: Choice>(_ type: Value.Type) -> String { Value.allCases.map(\.rawValue).joined(separator: ", ") }
