import Sharding
import Wire

/// Fetches what an assignment names and the worker lacks, piece by piece, a few at a time.
struct ArticleFetch {
  /// Pieces that are asked for and not here.
  static let window = 4
  /// More pieces than any article has.
  static let mostPieces = 1 << 14

  private struct Pieces {
    var frames: [Frame?]
    var missing: Int
  }

  /// The next one last.
  private var queue: [Fetch]
  private var open: Set<Fetch> = []
  private var articles: [Digest: Pieces] = [:]
  private var unfinished: Set<Digest>

  init(_ digests: [Digest]) {
    unfinished = Set(digests)
    queue = unfinished.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }.map { Fetch(digest: $0, part: 0) }
  }

  var isDone: Bool { unfinished.isEmpty }

  /// What is to be asked for now; it counts as asked.
  mutating func next() -> [Fetch] {
    var fetches: [Fetch] = []
    while open.count < Self.window, let fetch = queue.popLast() {
      open.insert(fetch)
      fetches.append(fetch)
    }
    return fetches
  }

  /// Takes a piece. Returns the article that it completes.
  mutating func take(_ piece: Piece, for fetch: Fetch) throws(WorkerError) -> (digest: Digest, bytes: [UInt8])? {
    guard open.remove(fetch) != nil else { return nil }
    var pieces = articles[fetch.digest] ?? Pieces(frames: [], missing: 0)
    if pieces.frames.isEmpty, piece.parts <= Self.mostPieces {
      pieces = Pieces(frames: Array(repeating: nil, count: piece.parts), missing: piece.parts)
      queue += (1..<piece.parts).reversed().map { Fetch(digest: fetch.digest, part: $0) }
    }
    guard piece.digest == fetch.digest, piece.part == fetch.part, piece.parts == pieces.frames.count else {
      throw .unexpected(
        from: .coordinator, what: "part \(piece.part) of \(piece.parts) of \(piece.digest) for \(fetch.digest)")
    }
    pieces.frames[piece.part] = piece.bytes
    pieces.missing -= 1
    articles[fetch.digest] = pieces
    guard pieces.missing == 0 else { return nil }
    articles[fetch.digest] = nil
    unfinished.remove(fetch.digest)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(pieces.frames.reduce(0) { $0 + ($1?.count ?? 0) })
    for case let frame? in pieces.frames { withExtendedLifetime(frame) { bytes.append(contentsOf: frame.bytes) } }
    guard SHA256.hash(bytes) == fetch.digest else { throw .damaged(article: fetch.digest) }
    return (fetch.digest, bytes)
  }
}
