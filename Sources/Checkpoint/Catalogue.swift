import Foundation
import GRDB
import Sharding

/// The catalogue of a run: `run.sqlite`, made to be queried with the `sqlite3` shell.
///
/// | table | a row is |
/// |---|---|
/// | `run` | a fact of the run by name, as JSON: `run`, its number; `configuration`, all settings; of each stage `stage-<n>`, `model-<n>` and `encoding-<n>` |
/// | `terms` | a coordinator's reign: term, host, process, started_at. The latest is the one that may write |
/// | `views` | who took part from which clock on: number, term, stage, clock, rewound (1 where all went back to a checkpoint), slots (the deal, as JSON), reason, at |
/// | `members` | a process of a view: role, number, incarnation, host, process, endpoint, folder (where a server writes), slices (a worker's, as JSON) |
/// | `partitions` | the part of the data that a slice reads, fixed for as long as the stage lives: stage, purpose, slice, digest, article |
/// | `epochs` | an epoch that ended: stage, epoch, clock (the step that follows it), steps, rows, train_logloss, auc, logloss, seconds (training alone), samples_per_second, stall_seconds, finished_at, checkpoint (at its end; NULL until it is whole) |
/// | `tables` | a table at the end of an epoch: stage, epoch, name, rows, bytes (of servers' memory), evicted (rows that went in the epoch) |
/// | `waits` | a worker that steps of an epoch waited for while no other was missing, to half a second a time: stage, epoch, member, host, process, seconds |
/// | `staleness` | how stale what an async table was read as, once it was applied: stage, epoch, name, steps (64: or more), slices that met with it |
/// | `ledger` | what an async table's ledger says of an epoch: stage, epoch, name, rows (each entered each parameter once; the run would end where one had twice, or not at all), repeated_rows (computed again after a death for the servers that lacked them, and dropped by those that had them) |
/// | `checkpoints` | a checkpoint that is whole: number, stage, epoch, next step, rows and loss_sum of the epoch so far, base (the number of the one that it stands on; NULL: it holds all rows), bytes written, created_at, kept (the numbers of those that can be read from then on, as JSON) |
/// | `parts` | a checkpoint's manifest, a row for each file: checkpoint, server, path, slots, rows and bytes in it, sha256 (see `PartWriter`) |
/// | `numbers` | the last view and checkpoint that were tried: a number is used once, whatever becomes of it |
/// | `events` | something a person may want to know: at, text |
///
/// A *stage* is a part of a run that has a model and data of its own: what is trained first for another model to start from,
/// or data that were given when the run went on.
///
/// A checkpoint exists from the moment its row is here; files that servers wrote for one that is not do not count. Every
/// transaction of a coordinator checks that no later one reigns by now. Readers, a shell among them, do not hold up the run
/// where the file system is a local one.
public final class Catalogue: Sendable {
  public let path: String
  let database: DatabaseQueue
  /// Of the reign that may write; 0: a reader's.
  public let term: UInt32

  /// Creates the catalogue of a new run, and begins the first reign over it.
  public static func create(at path: String, host: String, process: Int32) throws -> Catalogue {
    let database = try open(path, readOnly: false)
    let run = try encode(UInt64.random(in: 1 ... .max))
    // One transaction: whoever dies in between leaves no catalogue that lacks something.
    let term = try explaining(path) {
      try database.write { database in
        try database.execute(sql: schema)
        try database.execute(sql: "INSERT INTO run VALUES ('run', ?)", arguments: [run])
        return try beginTerm(in: database, host: host, process: process)
      }
    }
    return Catalogue(path, database, term: term)
  }

  /// Begins another reign over a run that was: from now on no earlier coordinator can write.
  public static func takeOver(_ path: String, host: String, process: Int32) throws -> Catalogue {
    guard FileManager.default.fileExists(atPath: path) else { throw CatalogueError.missing(path: path) }
    let database = try open(path, readOnly: false)
    try checkVersion(database, path)
    let term = try explaining(path) {
      try database.write { try beginTerm(in: $0, host: host, process: process) }
    }
    return Catalogue(path, database, term: term)
  }

  /// Opens the catalogue of a run that was, to read from it.
  public static func open(at path: String) throws -> Catalogue {
    guard FileManager.default.fileExists(atPath: path) else { throw CatalogueError.missing(path: path) }
    let database = try open(path, readOnly: true)
    try checkVersion(database, path)
    return Catalogue(path, database, term: 0)
  }

  /// Whether it lies where SQLite can keep no write-ahead log: whoever reads it may hold up the run then.
  public var isOnNetwork: Bool { JournalMode.isOnNetwork(path) }

  private init(_ path: String, _ database: DatabaseQueue, term: UInt32) {
    self.path = path
    self.database = database
    self.term = term
  }

  private static func open(_ path: String, readOnly: Bool) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.readonly = readOnly
    configuration.busyMode = .timeout(10)
    configuration.prepareDatabase { database in
      if !readOnly { try JournalMode.set(on: database, path: path) }
    }
    do {
      return try DatabaseQueue(path: path, configuration: configuration)
    } catch let error as DatabaseError where readOnly && error.resultCode == .SQLITE_READONLY {
      // Whoever wrote died in a transaction outside of the log, as on network file systems: it is undone first.
      try open(path, readOnly: false).close()
      return try open(path, readOnly: true)
    } catch {
      throw CatalogueError.unusable(path: path, reason: "\(error)")
    }
  }

  /// The format of the file.
  public static let version = 6

  private static func checkVersion(_ database: DatabaseQueue, _ path: String) throws {
    let found = try explaining(path) { try database.read { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 } }
    guard found != 0 else { throw CatalogueError.unfinished(path: path) }
    guard found == version else { throw CatalogueError.otherVersion(path: path, found: found) }
  }

  private static let schema = """
    CREATE TABLE run (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE terms (term INTEGER PRIMARY KEY, host TEXT NOT NULL, process INTEGER NOT NULL, started_at TEXT NOT NULL);
    CREATE TABLE views (
      number INTEGER PRIMARY KEY, term INTEGER NOT NULL, stage INTEGER NOT NULL, clock INTEGER NOT NULL,
      rewound INTEGER NOT NULL, slots TEXT, reason TEXT NOT NULL, at TEXT NOT NULL);
    CREATE TABLE members (
      view INTEGER NOT NULL, role TEXT NOT NULL, number INTEGER NOT NULL, incarnation INTEGER NOT NULL,
      host TEXT NOT NULL, process INTEGER NOT NULL, endpoint TEXT, folder TEXT, slices TEXT NOT NULL,
      PRIMARY KEY (view, role, number));
    CREATE TABLE partitions (
      stage INTEGER NOT NULL, purpose TEXT NOT NULL, slice INTEGER NOT NULL, digest TEXT NOT NULL,
      article BLOB NOT NULL, PRIMARY KEY (stage, purpose, slice));
    CREATE TABLE epochs (
      stage INTEGER NOT NULL, epoch INTEGER NOT NULL, clock INTEGER NOT NULL, steps INTEGER NOT NULL, rows INTEGER NOT NULL,
      train_logloss REAL NOT NULL, auc REAL, logloss REAL, seconds REAL NOT NULL,
      samples_per_second REAL NOT NULL, stall_seconds REAL NOT NULL, finished_at TEXT NOT NULL, checkpoint INTEGER,
      PRIMARY KEY (stage, epoch));
    CREATE TABLE tables (
      stage INTEGER NOT NULL, epoch INTEGER NOT NULL, name TEXT NOT NULL, rows INTEGER NOT NULL,
      bytes INTEGER NOT NULL, evicted INTEGER NOT NULL, PRIMARY KEY (stage, epoch, name));
    CREATE TABLE waits (
      stage INTEGER NOT NULL, epoch INTEGER NOT NULL, member TEXT NOT NULL, host TEXT NOT NULL,
      process INTEGER NOT NULL, seconds REAL NOT NULL, PRIMARY KEY (stage, epoch, member));
    CREATE TABLE staleness (
      stage INTEGER NOT NULL, epoch INTEGER NOT NULL, name TEXT NOT NULL, steps INTEGER NOT NULL,
      slices INTEGER NOT NULL, PRIMARY KEY (stage, epoch, name, steps));
    CREATE TABLE ledger (
      stage INTEGER NOT NULL, epoch INTEGER NOT NULL, name TEXT NOT NULL, rows INTEGER NOT NULL,
      repeated_rows INTEGER NOT NULL, PRIMARY KEY (stage, epoch, name));
    CREATE TABLE checkpoints (
      number INTEGER PRIMARY KEY, stage INTEGER NOT NULL, epoch INTEGER NOT NULL, step INTEGER NOT NULL,
      rows INTEGER NOT NULL, loss_sum REAL NOT NULL, base INTEGER, bytes INTEGER NOT NULL,
      created_at TEXT NOT NULL, kept TEXT NOT NULL);
    CREATE TABLE parts (
      checkpoint INTEGER NOT NULL REFERENCES checkpoints(number), server INTEGER NOT NULL, path TEXT NOT NULL,
      slots INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
      PRIMARY KEY (checkpoint, server));
    CREATE TABLE numbers (kind TEXT PRIMARY KEY, last INTEGER NOT NULL);
    INSERT INTO numbers VALUES ('view', 0), ('checkpoint', 0);
    CREATE TABLE events (at TEXT NOT NULL, text TEXT NOT NULL);
    PRAGMA user_version = \(version);
    """

  static func explaining<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as DatabaseError {
      throw CatalogueError.unusable(path: path, reason: error.message ?? "SQLite error \(error.resultCode.rawValue)")
    }
  }

  static func now() -> String { Date().ISO8601Format() }

  private static func beginTerm(in database: Database, host: String, process: Int32) throws -> UInt32 {
    let term = 1 + (try UInt32.fetchOne(database, sql: "SELECT MAX(term) FROM terms") ?? 0)
    try database.execute(sql: "INSERT INTO terms VALUES (?, ?, ?, ?)", arguments: [term, host, process, now()])
    return term
  }

  /// One transaction of the coordinator's.
  ///
  /// - Throws: `CatalogueError.superseded` where another coordinator reigns by now; nothing is written then.
  func reign<Value>(_ body: (Database) throws -> Value) throws -> Value {
    try Self.explaining(path) {
      try database.write { database in
        let row = try Row.fetchOne(database, sql: "SELECT * FROM terms ORDER BY term DESC LIMIT 1")
        if let row, row["term"] as UInt32 > term, !Mutant.forgetTerm.isActive {
          throw CatalogueError.superseded(path: path, host: row["host"], process: row["process"])
        }
        return try body(database)
      }
    }
  }

  // MARK: Facts

  static func encode(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  /// Records a fact of the run, as JSON.
  public func record(_ name: String, _ value: some Encodable) throws {
    let json = try Self.encode(value)
    try reign { try $0.execute(sql: "INSERT OR REPLACE INTO run VALUES (?, ?)", arguments: [name, json]) }
  }

  /// Reads what `record` wrote.
  public func fact<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
    guard let value: Value = try findFact(name) else {
      // Facts are written before anything is trained: a coordinator may have died between two of them.
      throw try history().checkpoints.isEmpty
        ? CatalogueError.unfinished(path: path) : .unusable(path: path, reason: "it has no \"\(name)\"")
    }
    return value
  }

  /// Reads what `record` wrote; nil where it never did.
  public func findFact<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value? {
    let json = try Self.explaining(path) {
      try database.read { try String.fetchOne($0, sql: "SELECT value FROM run WHERE name = ?", arguments: [name]) }
    }
    return try json.map { try JSONDecoder().decode(Value.self, from: Data($0.utf8)) }
  }

  /// Records something that a person may want to know.
  public func record(event text: String) throws {
    try reign { try $0.execute(sql: "INSERT INTO events VALUES (?, ?)", arguments: [Self.now(), text]) }
  }

  /// What a person may want to know of the run, each with its time, the latest last.
  public func events() throws -> [String] {
    try Self.explaining(path) {
      try database.read { try String.fetchAll($0, sql: "SELECT at || '  ' || text FROM events ORDER BY rowid") }
    }
  }

  // MARK: Data

  /// Records which rows each slice reads, once and for all.
  public func record(partitions: [PartitionRecord]) throws {
    try reign { database in
      let statement = try database.cachedStatement(sql: "INSERT INTO partitions VALUES (?, ?, ?, ?, ?)")
      for partition in partitions {
        try statement.execute(arguments: [
          partition.stage, partition.purpose, partition.slice, partition.digest, partition.article,
        ])
      }
    }
  }

  /// The partitions of a stage, by purpose and slice.
  public func partitions(ofStage stage: Int) throws -> [PartitionRecord] {
    try Self.explaining(path) {
      try database.read { database in
        try Row.fetchAll(
          database, sql: "SELECT * FROM partitions WHERE stage = ? ORDER BY purpose, slice", arguments: [stage]
        ).map {
          PartitionRecord(
            stage: $0["stage"], purpose: $0["purpose"], slice: $0["slice"], digest: $0["digest"],
            article: $0["article"])
        }
      }
    }
  }
}

/// A catalogue that cannot be used.
public enum CatalogueError: Error, CustomStringConvertible {
  case missing(path: String)
  case unusable(path: String, reason: String)
  /// Whoever made it died before the run had begun.
  case unfinished(path: String)
  case otherVersion(path: String, found: Int)
  /// Another coordinator has taken the run over.
  case superseded(path: String, host: String, process: Int32)

  public var description: String {
    switch self {
    case .missing(let path):
      "\(path) does not exist. Name the directory of a run, as `deepfm train --run-dir` made it."
    case .unusable(let path, let reason): "\(path): \(reason). Is the disk full, or the file another program's?"
    case .unfinished(let path):
      "\(path) holds no run: whoever made it died before it had begun, or it is another program's. Remove its directory, "
        + "and train anew."
    case .otherVersion(let path, let found):
      "\(path) was written by \(found < Catalogue.version ? "an older" : "a newer") version of this program "
        + "(format \(found), this is \(Catalogue.version)). Use that version, or train anew."
    case .superseded(let path, let host, let process):
      "\(path): another coordinator has taken the run over (process \(process) on \(host)). This one ends; nothing is "
        + "lost."
    }
  }
}
