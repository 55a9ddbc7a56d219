import CXXHash
import Foundation
import GRDB

/// A vocabulary on disk, made to be queried with the `sqlite3` shell.
///
/// | table | a row is |
/// |---|---|
/// | `facts` | by name: `minimum_count`, `rows` of the data, `fingerprint` of the keys, `layout`: which fields they are of |
/// | `fields` | a field: distinct values, how many were kept, and how often all and the kept ones occur |
/// | `entries` | a value that was kept: its key, field, bytes and count |
public enum VocabularyFile {
  /// The keys of the values that were kept, and their fingerprint.
  ///
  /// - Parameter encoding: of the data that it is to go with; nil for a run's own, which its fingerprint tells.
  /// - Throws: `VocabularyError`, also where it was made of other fields.
  public static func load(_ path: String, for encoding: Encoding?) throws -> (
    vocabulary: Vocabulary, fingerprint: String
  ) {
    guard FileManager.default.fileExists(atPath: path) else { throw VocabularyError.missing(path: path) }
    do {
      var configuration = Configuration()
      configuration.readonly = true
      let database = try DatabaseQueue(path: path, configuration: configuration)
      return try database.read { database in
        var keys: [UInt64] = []
        let rows = try Int64.fetchCursor(database, sql: "SELECT key FROM entries ORDER BY key")
        while let key = try rows.next() { keys.append(UInt64(bitPattern: key)) }
        let fingerprint = try String.fetchOne(database, sql: "SELECT value FROM facts WHERE name = 'fingerprint'")
        keys.sort()
        var found = VocabularyFingerprint()
        for key in keys { found.add(key) }
        guard fingerprint == found.text else {
          throw VocabularyError.unusable(path: path, reason: "its entries are not those it was made with")
        }
        guard let encoding else { return (Vocabulary(keys), found.text) }
        let layout = try String.fetchOne(database, sql: "SELECT value FROM facts WHERE name = 'layout'")
        guard let layout, layout == encoding.categoryLayout else {
          throw VocabularyError.otherFields(
            path: path, wanted: encoding.categoryLayout, found: layout ?? "fields that it does not name")
        }
        return (Vocabulary(keys), found.text)
      }
    } catch let error as DatabaseError {
      throw VocabularyError.unusable(path: path, reason: error.message ?? "SQLite error \(error.resultCode.rawValue)")
    }
  }

  /// How often each value occurs that was kept, in how many rows, and how many fields they are of.
  ///
  /// - Throws: `VocabularyError`.
  public static func counts(_ path: String) throws -> (counts: [Int], rows: Int, fields: Int) {
    guard FileManager.default.fileExists(atPath: path) else { throw VocabularyError.missing(path: path) }
    do {
      var configuration = Configuration()
      configuration.readonly = true
      return try DatabaseQueue(path: path, configuration: configuration).read { database in
        let rows = try String.fetchOne(database, sql: "SELECT value FROM facts WHERE name = 'rows'").flatMap { Int($0) }
        guard let rows else {
          throw VocabularyError.unusable(path: path, reason: "it does not say of how many rows it is")
        }
        return (
          try Int.fetchAll(database, sql: "SELECT count FROM entries"), rows,
          try Int.fetchOne(database, sql: "SELECT count(*) FROM fields") ?? 0
        )
      }
    } catch let error as DatabaseError {
      throw VocabularyError.unusable(path: path, reason: error.message ?? "SQLite error \(error.resultCode.rawValue)")
    }
  }

  /// Calls `body` with each value that was kept: its key, the number of its field, its text.
  ///
  /// - Throws: `VocabularyError`.
  public static func forEachEntry(_ path: String, _ body: (_ key: UInt64, _ field: Int, _ text: String) -> Void) throws
  {
    guard FileManager.default.fileExists(atPath: path) else { throw VocabularyError.missing(path: path) }
    do {
      var configuration = Configuration()
      configuration.readonly = true
      try DatabaseQueue(path: path, configuration: configuration).read { database in
        let rows = try Row.fetchCursor(database, sql: "SELECT key, field, value FROM entries")
        while let row = try rows.next() {
          guard let key = Int64.fromDatabaseValue(row["key"]), let field = Int.fromDatabaseValue(row["field"]),
            let text = Data.fromDatabaseValue(row["value"])
          else { throw VocabularyError.unusable(path: path, reason: "an entry is none") }
          body(UInt64(bitPattern: key), field, String(decoding: text, as: UTF8.self))
        }
      }
    } catch let error as DatabaseError {
      throw VocabularyError.unusable(path: path, reason: error.message ?? "SQLite error \(error.resultCode.rawValue)")
    }
  }

  /// Writes a vocabulary, which appears under its name when it is complete.
  final class Writer {
    private let path: String
    private var partial: String { path + ".partial" }
    private let database: DatabaseQueue
    private var waiting: [CategoryCount] = []
    private var isComplete = false

    init(path: String) throws {
      self.path = path
      for suffix in ["", "-journal"] { try? FileManager.default.removeItem(atPath: path + ".partial" + suffix) }
      do {
        database = try DatabaseQueue(path: path + ".partial")
        try database.writeWithoutTransaction {
          try $0.execute(sql: "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF")
        }
        try database.write {
          try $0.execute(
            sql: """
              CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
              CREATE TABLE fields (
                name TEXT PRIMARY KEY, distinct_values INTEGER NOT NULL, kept INTEGER NOT NULL,
                occurrences INTEGER NOT NULL, kept_occurrences INTEGER NOT NULL);
              CREATE TABLE entries (
                key INTEGER PRIMARY KEY, field INTEGER NOT NULL, value BLOB NOT NULL, count INTEGER NOT NULL);
              """)
        }
      } catch {
        throw VocabularyError.unusable(path: path, reason: "\(error)")
      }
    }

    deinit {
      if !isComplete { try? FileManager.default.removeItem(atPath: partial) }
    }

    func add(_ entry: CategoryCount) throws {
      waiting.append(entry)
      if waiting.count == 1 << 15 { try flush() }
    }

    private func flush() throws {
      try explainingFailures {
        try database.write { database in
          let statement = try database.cachedStatement(sql: "INSERT INTO entries VALUES (?, ?, ?, ?)")
          for entry in waiting {
            try statement.execute(
              arguments: [Int64(bitPattern: entry.key), Int(entry.field), Data(entry.text), entry.count])
          }
        }
      }
      waiting.removeAll(keepingCapacity: true)
    }

    private func explainingFailures(_ body: () throws -> Void) throws {
      do {
        try body()
      } catch let error as DatabaseError {
        throw VocabularyError.unusable(path: path, reason: error.message ?? "SQLite error \(error.resultCode.rawValue)")
      }
    }

    func close(
      fields: [VocabularyBuilder.FieldCount], minimumCount: Int, rows: Int, fingerprint: String, layout: String
    ) throws {
      try flush()
      try explainingFailures {
        try database.write { database in
          for (name, value) in [
            ("minimum_count", "\(minimumCount)"), ("rows", "\(rows)"), ("fingerprint", fingerprint),
            ("layout", layout),
          ] { try database.execute(sql: "INSERT INTO facts VALUES (?, ?)", arguments: [name, value]) }
          for field in fields {
            try database.execute(
              sql: "INSERT INTO fields VALUES (?, ?, ?, ?, ?)",
              arguments: [field.name, field.distinct, field.kept, field.occurrences, field.keptOccurrences])
          }
        }
        try database.close()
      }
      guard rename(partial, path) == 0 else {
        throw VocabularyError.unusable(path: path, reason: String(cString: strerror(errno)))
      }
      isComplete = true
    }
  }
}

/// What sets one vocabulary apart from another: XXH3 over its keys, chained in ascending order.
struct VocabularyFingerprint {
  private var state: UInt64 = 0

  mutating func add(_ key: UInt64) {
    state = withUnsafeBytes(of: key.littleEndian) { XXH3_64bits_withSeed($0.baseAddress, 8, state) }
  }

  var text: String {
    let digits = String(state, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

/// A vocabulary that cannot be used.
public enum VocabularyError: Error, CustomStringConvertible {
  case missing(path: String)
  case unusable(path: String, reason: String)
  case collision(String, String)
  case other(path: String, wanted: String, found: String)
  case otherFields(path: String, wanted: String, found: String)

  public var description: String {
    switch self {
    case .missing(let path): "\(path) does not exist. Make a vocabulary with `deepfm vocab build`."
    case .unusable(let path, let reason):
      "\(path): \(reason). Is it a vocabulary of `deepfm vocab build`, and the disk not full?"
    case .collision(let left, let right):
      "\"\(left)\" and \"\(right)\" have the same 64-bit hash. Rename one of them, or leave its field out."
    case .otherFields(let path, let wanted, let found):
      "\(path) holds values of \(found); the data have \(wanted). Build it anew with the same --schema."
    case .other(let path, let wanted, let found):
      "\(path) holds the vocabulary \(found), the data were encoded with \(wanted). Name that one with --vocab."
    }
  }
}
