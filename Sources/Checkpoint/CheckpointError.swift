import GRDB

/// A checkpoint that cannot be written or read.
public enum CheckpointError: Error, Hashable, CustomStringConvertible {
  case file(path: String, reason: String)
  case otherVersion(path: String, found: Int)
  case damagedSlot(path: String, table: Int, slot: Int, reason: String)
  /// A file is in the place of another: older, newer, of another server or another run.
  case otherPart(path: String, is: String, wanted: String)
  /// What a file lists is not what was written.
  case altered(path: String, checkpoint: Int)
  /// A file is not there: the run has gone on without keeping the checkpoint, or somebody removed it.
  case missing(path: String, checkpoint: Int)

  public var description: String {
    switch self {
    case .file(let path, let reason): "\(path): \(reason). Is the disk full, or the file out of reach?"
    case .otherVersion(let path, let found):
      "\(path) was written by \(found < PartWriter.version ? "an older" : "a newer") version of this program "
        + "(format \(found), this is \(PartWriter.version)). Use that version, or train anew."
    case .damagedSlot(let path, let table, let slot, let reason):
      "\(path): slot \(slot) of table \(table) is damaged (\(reason)). \(Self.wayOut)"
    case .otherPart(let path, let found, let wanted):
      "\(path) is \(found), where the run's catalogue names \(wanted). \(Self.wayOut)"
    case .altered(let path, let checkpoint):
      "\(path) is not what was written for checkpoint \(checkpoint): slots are missing, or their checksums are others. "
        + Self.wayOut
    case .missing(let path, let checkpoint):
      "\(path), a part of checkpoint \(checkpoint), is not there. Where the run is still training, it has gone on without "
        + "keeping that checkpoint: try again, or have it keep more with --keep-checkpoints. Otherwise: \(Self.wayOut)"
    }
  }

  private static let wayOut =
    "Put the file back from a copy, or use an earlier checkpoint: `deepfm verify` says which are whole."

  static func explaining<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as DatabaseError {
      throw CheckpointError.file(path: path, reason: error.message ?? "SQLite error \(error.resultCode.rawValue)")
    }
  }
}
