import Foundation
import GRDB
import Sharding

/// What a coordinator writes and reads while it reigns.
extension Catalogue {
  // MARK: Numbers

  /// A number for a view that is to be proposed. It is never used again, whatever becomes of the view.
  public func reserveView() throws -> UInt32 { UInt32(try reserve("view")) }

  /// The same for a checkpoint that is to be written.
  public func reserveCheckpoint() throws -> Int { try reserve("checkpoint") }

  private func reserve(_ kind: String) throws -> Int {
    try reign { database in
      try database.execute(sql: "UPDATE numbers SET last = last + 1 WHERE kind = ?", arguments: [kind])
      return try Int.fetchOne(database, sql: "SELECT last FROM numbers WHERE kind = ?", arguments: [kind]) ?? 0
    }
  }

  // MARK: Views

  /// The transaction after which a view may be adopted.
  public func record(_ view: ViewRecord) throws {
    let slots = try view.slots.map { try Self.encode($0) }
    try reign { database in
      try database.execute(
        sql: "INSERT INTO views VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        arguments: [
          view.number, view.term, view.stage, Int64(view.clock), view.isRewound, slots, view.reason, Self.now(),
        ])
      if view.isRewound { try Self.forgetEpochs(ofStage: view.stage, after: view.clock, database) }
      for member in view.members {
        try database.execute(
          sql: "INSERT INTO members VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
          arguments: [
            view.number, member.role, member.number, Int64(bitPattern: member.incarnation), member.host,
            member.process, member.endpoint, member.folder, try Self.encode(member.slices),
          ])
      }
    }
  }

  /// What ended after the step that all go back to is to end once more.
  private static func forgetEpochs(ofStage stage: Int, after clock: UInt64, _ database: Database) throws {
    for table in ["tables", "waits", "staleness", "ledger"] {
      try database.execute(
        sql: """
          DELETE FROM \(table) WHERE stage = ? AND epoch IN (SELECT epoch FROM epochs WHERE stage = ? AND clock > ?)
          """, arguments: [stage, stage, Int64(clock)])
    }
    try database.execute(sql: "DELETE FROM epochs WHERE stage = ? AND clock > ?", arguments: [stage, Int64(clock)])
  }

  private static func lastView(_ database: Database) throws -> ViewRecord? {
    guard let row = try Row.fetchOne(database, sql: "SELECT * FROM views ORDER BY number DESC LIMIT 1") else {
      return nil
    }
    let number: UInt32 = row["number"]
    let slots: String? = row["slots"]
    let decoder = JSONDecoder()
    let members = try Row.fetchAll(
      database, sql: "SELECT * FROM members WHERE view = ? ORDER BY role, number", arguments: [number]
    ).map { row in
      MemberRecord(
        role: row["role"], number: row["number"],
        incarnation: UInt64(bitPattern: row["incarnation"] as Int64), host: row["host"], process: row["process"],
        endpoint: row["endpoint"], folder: row["folder"],
        slices: try decoder.decode([Int].self, from: Data((row["slices"] as String).utf8)))
    }
    return ViewRecord(
      number: number, term: row["term"], stage: row["stage"], clock: UInt64(row["clock"] as Int64),
      isRewound: row["rewound"], slots: try slots.map { try decoder.decode(SlotMap.self, from: Data($0.utf8)) },
      members: members, reason: row["reason"])
  }

  // MARK: Epochs and checkpoints

  /// Records an epoch that ended.
  public func record(_ epoch: EpochRecord) throws {
    try reign { database in
      try database.execute(
        sql: "INSERT INTO epochs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        arguments: [
          epoch.stage, epoch.epoch, Int64(epoch.clock), epoch.steps, epoch.rows, epoch.trainLogloss, epoch.auc,
          epoch.logloss, epoch.seconds, epoch.samplesPerSecond, epoch.stallSeconds, Self.now(),
          epoch.checkpoint,
        ])
      try Self.record(epoch.staleness, of: epoch, database)
      for (name, size) in epoch.tables {
        try database.execute(
          sql: "INSERT INTO tables VALUES (?, ?, ?, ?, ?, ?)",
          arguments: [epoch.stage, epoch.epoch, name, size.rows, size.bytes, size.evicted])
      }
      for wait in epoch.waits {
        try database.execute(
          sql: "INSERT INTO waits VALUES (?, ?, ?, ?, ?, ?)",
          arguments: [epoch.stage, epoch.epoch, wait.member, wait.host, wait.process, wait.seconds])
      }
    }
  }

  /// The transaction that makes a checkpoint exist.
  public func commit(_ checkpoint: CheckpointRecord) throws {
    try reign { database in
      try database.execute(
        sql: "INSERT INTO checkpoints VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        arguments: [
          checkpoint.number, checkpoint.stage, checkpoint.epoch, Int64(checkpoint.step),
          Int64(checkpoint.totals.rows), checkpoint.totals.lossSum, checkpoint.base, checkpoint.bytes, Self.now(),
          try Self.encode(checkpoint.kept),
        ])
      for part in checkpoint.parts {
        try database.execute(
          sql: "INSERT INTO parts VALUES (?, ?, ?, ?, ?, ?, ?)",
          arguments: [
            checkpoint.number, part.server, part.path, part.slots, part.rows, part.bytes, part.digest.description,
          ])
      }
      try database.execute(
        sql: "UPDATE epochs SET checkpoint = ? WHERE stage = ? AND clock = ?",
        arguments: [checkpoint.number, checkpoint.stage, Int64(checkpoint.step)])
    }
  }

  /// The step that follows the last checkpoint, and its stage; nil while there is none.
  public func lastCheckpointedStep() throws -> (stage: Int, step: UInt64)? {
    try Self.explaining(path) {
      try database.read { database in
        try Row.fetchOne(database, sql: "SELECT stage, step FROM checkpoints ORDER BY number DESC LIMIT 1")
          .map { ($0["stage"], UInt64($0["step"] as Int64)) }
      }
    }
  }

  /// Has parts be where they are now, after a run's directory was moved.
  public func relocate(_ find: (CheckpointFiles) -> CheckpointFiles) throws {
    let moved = try checkpoints().flatMap { record in
      zip(record.parts, find(record.files).parts).filter { $0.path != $1.path }.map { (record.number, $1) }
    }
    guard !moved.isEmpty else { return }
    try reign { database in
      for (checkpoint, part) in moved {
        try database.execute(
          sql: "UPDATE parts SET path = ? WHERE checkpoint = ? AND server = ?",
          arguments: [part.path, checkpoint, part.server])
      }
    }
  }

  /// Has the run go on from an earlier checkpoint: later ones of the stage, and what ended after it, have never been.
  ///
  /// - Parameter last: the one that is the stage's last from now on.
  public func fallBack(to last: CheckpointRecord) throws {
    try reign { database in
      let later: StatementArguments = [last.stage, last.number]
      try database.execute(
        sql: """
          DELETE FROM parts WHERE checkpoint IN (SELECT number FROM checkpoints WHERE stage = ? AND number > ?)
          """, arguments: later)
      try database.execute(sql: "DELETE FROM checkpoints WHERE stage = ? AND number > ?", arguments: later)
      try database.execute(
        sql: "UPDATE checkpoints SET kept = ? WHERE number = ?",
        arguments: [try Self.encode(last.kept), last.number])
      try Self.forgetEpochs(ofStage: last.stage, after: last.step, database)
    }
  }

  private static func record(
    _ staleness: [String: StalenessReport], of epoch: EpochRecord, _ database: Database
  ) throws {
    for (name, report) in staleness {
      try database.execute(
        sql: "INSERT INTO ledger VALUES (?, ?, ?, ?, ?)",
        arguments: [epoch.stage, epoch.epoch, name, epoch.rows, Int64(clamping: report.repeatedRows)])
      for (steps, slices) in report.slices.enumerated() where slices > 0 {
        try database.execute(
          sql: "INSERT INTO staleness VALUES (?, ?, ?, ?, ?)",
          arguments: [epoch.stage, epoch.epoch, name, steps, Int64(clamping: slices)])
      }
    }
  }

  private static func staleness(of epoch: EpochRecord, _ database: Database) throws -> [String: StalenessReport] {
    var reports: [String: StalenessReport] = [:]
    let key: StatementArguments = [epoch.stage, epoch.epoch]
    for row in try Row.fetchAll(
      database, sql: "SELECT * FROM ledger WHERE stage = ? AND epoch = ?", arguments: key)
    {
      reports[row["name"], default: StalenessReport()].repeatedRows = UInt64(clamping: row["repeated_rows"] as Int64)
    }
    for row in try Row.fetchAll(
      database, sql: "SELECT * FROM staleness WHERE stage = ? AND epoch = ?", arguments: key)
    {
      reports[row["name"], default: StalenessReport()]
        .note(UInt64(clamping: row["steps"] as Int64), count: UInt64(clamping: row["slices"] as Int64))
    }
    return reports
  }

  private static func checkpoints(_ database: Database) throws -> [CheckpointRecord] {
    try Row.fetchAll(database, sql: "SELECT * FROM checkpoints ORDER BY number").map { row in
      let number: Int = row["number"]
      return CheckpointRecord(
        number: number, stage: row["stage"], epoch: row["epoch"], step: UInt64(row["step"] as Int64),
        totals: StepTotals(rows: UInt64(row["rows"] as Int64), lossSum: row["loss_sum"]), base: row["base"],
        parts: try parts(of: number, database),
        kept: try JSONDecoder().decode([Int].self, from: Data((row["kept"] as String).utf8)))
    }
  }

  private static func parts(of checkpoint: Int, _ database: Database) throws -> [CheckpointPart] {
    try Row.fetchAll(
      database, sql: "SELECT * FROM parts WHERE checkpoint = ? ORDER BY server", arguments: [checkpoint]
    ).map { row in
      let digest: String = row["sha256"]
      guard let digest = Digest(digest) else {
        throw DatabaseError(message: "\"\(digest)\", the digest of a part of checkpoint \(checkpoint), is none")
      }
      return CheckpointPart(
        server: row["server"], path: row["path"], slots: row["slots"], rows: row["rows"], bytes: row["bytes"],
        digest: digest)
    }
  }

  private static func epochs(_ database: Database) throws -> [EpochRecord] {
    try Row.fetchAll(database, sql: "SELECT * FROM epochs ORDER BY stage, epoch").map { row in
      var epoch = EpochRecord(
        stage: row["stage"], epoch: row["epoch"], clock: UInt64(row["clock"] as Int64), steps: row["steps"],
        rows: row["rows"],
        trainLogloss: row["train_logloss"], auc: row["auc"], logloss: row["logloss"],
        seconds: row["seconds"], stallSeconds: row["stall_seconds"])
      epoch.checkpoint = row["checkpoint"]
      for row in try Row.fetchAll(
        database, sql: "SELECT * FROM tables WHERE stage = ? AND epoch = ?", arguments: [epoch.stage, epoch.epoch])
      {
        epoch.tables[row["name"]] = TableSize(rows: row["rows"], bytes: row["bytes"], evicted: row["evicted"])
      }
      epoch.staleness = try staleness(of: epoch, database)
      epoch.waits = try Row.fetchAll(
        database, sql: "SELECT * FROM waits WHERE stage = ? AND epoch = ? ORDER BY seconds DESC, member",
        arguments: [epoch.stage, epoch.epoch]
      ).map {
        WaitRecord(member: $0["member"], host: $0["host"], process: $0["process"], seconds: $0["seconds"])
      }
      return epoch
    }
  }

  /// All checkpoints, ascending.
  public func checkpoints() throws -> [CheckpointRecord] {
    try Self.explaining(path) { try database.read { try Self.checkpoints($0) } }
  }

  /// What the run has come to.
  public func history() throws -> RunHistory {
    try Self.explaining(path) {
      try database.read { database in
        let counts = try Row.fetchAll(
          database,
          sql: """
            SELECT number, COUNT(DISTINCT folder) AS count FROM members WHERE role = 'server' GROUP BY number
            """)
        return RunHistory(
          lastView: try Self.lastView(database), epochs: try Self.epochs(database),
          checkpoints: try Self.checkpoints(database),
          incarnations: Dictionary(uniqueKeysWithValues: counts.map { ($0["number"], $0["count"]) }))
      }
    }
  }
}
