/// A shard file that cannot be written or read.
public enum CheckpointError: Error, Hashable, CustomStringConvertible {
  case database(path: String, reason: String)
  case otherVersion(path: String, found: Int)
  case damagedSlot(path: String, table: Int, slot: Int, reason: String)
  /// A checkpoint's slots are not all there any more: the run has gone on without keeping it.
  case dropped(path: String, checkpoint: Int, prunedFor: Int)

  public var description: String {
    switch self {
    case .database(let path, let reason): "\(path): \(reason). Is the disk full, or the file out of reach?"
    case .otherVersion(let path, let found):
      "\(path) was written by \(found < ShardDatabase.version ? "an older" : "a newer") version of this program "
        + "(format \(found), this is \(ShardDatabase.version)). Use that version, or train anew."
    case .damagedSlot(let path, let table, let slot, let reason):
      "\(path): slot \(slot) of table \(table) is damaged (\(reason)). Restore the file from a copy, or use another run."
    case .dropped(let path, let checkpoint, let prunedFor):
      "\(path): checkpoint \(checkpoint) is not kept any more: the run has gone on, and checkpoint \(prunedFor) has taken its "
        + "place. Try again; --keep-checkpoints has a run keep more."
    }
  }
}
