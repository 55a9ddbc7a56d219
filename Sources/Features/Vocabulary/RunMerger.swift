/// Reads sorted files of counts as one.
struct RunMerger {
  private final class Run {
    private let input: InputFile
    private var offset = 0
    private let size: Int
    private var bytes: [UInt8] = []
    private var position = 0
    private(set) var head: CategoryCount?

    init(_ path: String) throws {
      input = try InputFile(path: path)
      size = try input.size()
      try advance()
    }

    private func fill(_ wanted: Int) throws {
      guard bytes.count - position < wanted, offset < size else { return }
      bytes.removeFirst(position)
      position = 0
      let kept = bytes.count
      let count = min(max(1 << 16, wanted), size - offset)
      bytes.append(contentsOf: repeatElement(0, count: count))
      let got = try bytes.withUnsafeMutableBytes {
        try input.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[kept...]), at: offset)
      }
      bytes.removeLast(count - got)
      offset += got
    }

    func advance() throws {
      let fixed = 8 + 2 + 4 + 4
      try fill(fixed)
      guard bytes.count - position >= fixed else {
        head = nil
        return
      }
      let (key, field, count, length) = bytes.withUnsafeBytes {
        (
          $0.number(at: position, as: UInt64.self), $0.number(at: position + 8, as: UInt16.self),
          $0.number(at: position + 10, as: UInt32.self), Int($0.number(at: position + 14, as: UInt32.self))
        )
      }
      try fill(fixed + length)
      let start = position + fixed
      guard start + length <= bytes.count else { throw DatasetError.changed(file: input.name) }
      head = CategoryCount(field: field, key: key, count: Int(count), text: Array(bytes[start..<start + length]))
      position = start + length
    }
  }

  /// The run whose value comes next is the last.
  private var runs: [Run] = []
  private let areIndices: Bool

  /// - Parameter areIndices: keys are features' indices, which several fields may share.
  init(_ paths: [String], areIndices: Bool) throws {
    self.areIndices = areIndices
    for path in paths { place(try Run(path)) }
  }

  private static func isBefore(_ left: Run, _ right: Run) -> Bool {
    guard let left = left.head, let right = right.head else { return false }
    return (left.key, left.field) < (right.key, right.field)
  }

  /// Puts a run where it belongs, unless it is at its end.
  private mutating func place(_ run: Run) {
    guard run.head != nil else { return }
    runs.insert(run, at: runs.indices.partitioningPoint { !Self.isBefore(run, runs[$0]) })
  }

  private mutating func take() throws -> CategoryCount? {
    guard let run = runs.popLast(), let entry = run.head else { return nil }
    try run.advance()
    place(run)
    return entry
  }

  /// The next value with its count over all runs.
  mutating func next() throws -> CategoryCount? {
    guard var entry = try take() else { return nil }
    while runs.last?.head?.key == entry.key, let same = try take() {
      guard same.text == entry.text, same.field == entry.field || areIndices else {
        throw VocabularyError.collision(
          String(decoding: entry.text, as: UTF8.self), String(decoding: same.text, as: UTF8.self))
      }
      entry.count += same.count
    }
    return entry
  }
}
