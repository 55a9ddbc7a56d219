import ArgumentParser
import Features

/// The value of a name; a name that is not known is refused with the nearest one that is.
func named<Value: RawRepresentable & CaseIterable>(_ name: String) throws -> Value where Value.RawValue == String {
  if let value = Value(rawValue: name) { return value }
  throw ValidationError(unknownName(name, among: Value.allCases.map(\.rawValue)))
}

func unknownName(_ name: String, among names: [String]) -> String {
  "there is no \"\(name)\"; did you mean \"\(Nearest.word(to: name, among: names))\"? "
    + "There are: \(names.joined(separator: ", "))."
}
