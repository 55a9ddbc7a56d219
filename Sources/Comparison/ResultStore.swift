import Foundation
import GRDB

/// One trained and tested model.
public struct RunRecord: Codable, Hashable, Sendable {
  public var model: String
  /// The setting that a study varied; empty in a comparison.
  public var variant: String
  public var seed: UInt64
  public var auc: Double
  public var logloss: Double
  public var trainingSeconds: Double
  public var parameterDigest: String

  public init(
    model: String, variant: String = "", seed: UInt64, auc: Double, logloss: Double, trainingSeconds: Double,
    parameterDigest: String
  ) {
    self.model = model
    self.variant = variant
    self.seed = seed
    self.auc = auc
    self.logloss = logloss
    self.trainingSeconds = trainingSeconds
    self.parameterDigest = parameterDigest
  }
}

/// The results of a comparison, in one SQLite file: whatever is in it need not be trained again.
///
/// Table `results` has a row for each model, variant and seed; table `settings` the configuration they all share.
public final class ResultStore {
  public let path: String
  private let database: DatabaseQueue

  /// Opens the file, or makes it.
  ///
  /// - Parameter settings: what decides the results; a file made with others is refused.
  public init(path: String, settings: String) throws {
    self.path = path
    do {
      database = try DatabaseQueue(path: path)
      let known = try database.write { database -> String? in
        try database.execute(
          sql: """
            CREATE TABLE IF NOT EXISTS settings (configuration TEXT NOT NULL);
            CREATE TABLE IF NOT EXISTS results (
              model TEXT NOT NULL, variant TEXT NOT NULL, seed INTEGER NOT NULL, auc REAL NOT NULL,
              logloss REAL NOT NULL, training_seconds REAL NOT NULL, parameter_digest TEXT NOT NULL,
              finished_at TEXT NOT NULL, PRIMARY KEY (model, variant, seed));
            """)
        if let known = try String.fetchOne(database, sql: "SELECT configuration FROM settings") { return known }
        try database.execute(sql: "INSERT INTO settings VALUES (?)", arguments: [settings])
        return settings
      }
      guard known == settings else { throw ComparisonError.otherSettings(path: path) }
    } catch let error as DatabaseError {
      throw ComparisonError.unusable(path: path, reason: error.message ?? "SQLite error \(error.resultCode.rawValue)")
    }
  }

  public func record(_ run: RunRecord) throws {
    do {
      try database.write {
        try $0.execute(
          sql: "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
          arguments: [
            run.model, run.variant, Int64(bitPattern: run.seed), run.auc, run.logloss, run.trainingSeconds,
            run.parameterDigest,
            Date().ISO8601Format(),
          ])
      }
    } catch let error as DatabaseError {
      throw ComparisonError.unusable(path: path, reason: error.message ?? "SQLite error \(error.resultCode.rawValue)")
    }
  }

  public func results() throws -> [RunRecord] {
    try database.read { database in
      try Row.fetchAll(database, sql: "SELECT * FROM results ORDER BY model, variant, seed").map { row in
        let seed: Int64 = row["seed"]
        return RunRecord(
          model: row["model"], variant: row["variant"], seed: UInt64(bitPattern: seed), auc: row["auc"],
          logloss: row["logloss"],
          trainingSeconds: row["training_seconds"], parameterDigest: row["parameter_digest"])
      }
    }
  }
}

public enum ComparisonError: Error, Equatable, CustomStringConvertible {
  case otherSettings(path: String)
  case unusable(path: String, reason: String)

  public var description: String {
    switch self {
    case .otherSettings(let path):
      "\(path) holds results of other data or settings. Choose another --out, or remove it."
    case .unusable(let path, let reason): "\(path): \(reason). Is the disk full, or the file another program's?"
    }
  }
}
