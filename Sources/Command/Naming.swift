import ArgumentParser
import Job

/// The value of a name; a name that is not known is refused with the nearest one that is.
func named<Value: Choice>(_ name: String) throws -> Value { try explaining { try Value(named: name) } }

/// Has a name that is not known be a mistake of whoever typed it.
func explaining<Value>(_ parse: () throws -> Value) throws -> Value {
  do {
    return try parse()
  } catch let error as UnknownChoice {
    throw ValidationError(error.description)
  }
}
