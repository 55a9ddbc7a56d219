import ArgumentParser
import Job

/// The value of a name; a name that is not known is refused with the nearest one that is.
func named<Value: Choice>(_ name: String) throws -> Value {
  do {
    return try Value(named: name)
  } catch let error as UnknownChoice {
    throw ValidationError(error.description)
  }
}
