import Foundation
import GRDB

/// How SQLite keeps a file whole. With a write-ahead log readers never hold up the writer; it needs memory that all who
/// have the file open share, which network file systems do not give.
enum JournalMode {
  /// Sets the mode that suits where the file lies, and that a commit is on the disk when it returns.
  static func set(on database: Database, path: String) throws {
    try database.execute(
      sql: "PRAGMA journal_mode = \(isOnNetwork(path) ? "DELETE" : "WAL"); PRAGMA synchronous = FULL")
  }

  /// How the names begin that Linux gives to file systems whose files may be on other machines.
  private static let networks = ["nfs", "cifs", "smb", "9p", "afs", "ceph", "lustre", "gpfs", "beegfs", "fuse"]

  static func isOnNetwork(_ path: String) -> Bool {
    let mounts = (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) ?? ""
    let folder = URL(filePath: path).deletingLastPathComponent().resolvingSymlinksInPath().path
    return isOnNetwork(folder, mounts: mounts)
  }

  /// - Parameter mounts: lines of `device folder type ...`, as in proc_mounts(5); the last of the nearest folders counts.
  static func isOnNetwork(_ folder: String, mounts: String) -> Bool {
    var nearest = (length: 0, type: "")
    for line in mounts.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count > 2 else { continue }
      let mount = words[1].replacing("\\040", with: " ")
      let isAbove = mount == "/" || folder == mount || folder.hasPrefix(mount + "/")
      if isAbove, mount.count >= nearest.length { nearest = (mount.count, String(words[2])) }
    }
    return networks.contains { nearest.type.hasPrefix($0) }
  }
}
