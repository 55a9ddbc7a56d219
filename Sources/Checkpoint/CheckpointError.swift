/// A shard file that cannot be written or read.
public enum CheckpointError: Error, Hashable, CustomStringConvertible {
  case database(path: String, reason: String)
  case otherVersion(path: String, found: Int)
  case damagedSlot(path: String, table: Int, slot: Int, reason: String)
  /// A checkpoint's version of a slot is not there any more: a later checkpoint has taken its place.
  case vanishedSlot(path: String, table: Int, slot: Int, checkpoint: Int, prunedFor: Int)

  public var description: String {
    switch self {
    case .database(let path, let reason): "\(path): \(reason). Is the disk full, or the file out of reach?"
    case .otherVersion(let path, let found):
      "\(path) was written by \(found < ShardDatabase.version ? "an older" : "a newer") version of this program "
        + "(format \(found), this is \(ShardDatabase.version)). Use that version, or train anew."
    case .damagedSlot(let path, let table, let slot, let reason):
      "\(path): slot \(slot) of table \(table) is damaged (\(reason)). Restore the file from a copy, or use another run."
    case .vanishedSlot(let path, let table, let slot, let checkpoint, let prunedFor):
      "\(path): slot \(slot) of table \(table) is gone as of checkpoint \(checkpoint): the run is still training, and "
        + "checkpoint \(prunedFor) has taken its place. Try again, or wait until the run has ended."
    }
  }
}
