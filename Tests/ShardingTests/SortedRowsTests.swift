import Sharding
import Testing

@Suite("Sorted rows")
struct SortedRowsTests {
  private struct Case {
    var keys: [UInt64]
    var values: [Float]

    init(width: Int) {
      keys = (0..<80).filter { _ in Bool.random() }
      values = (0..<keys.count * width).map { _ in .random(in: -1...1) }
    }

    /// The rows in up to `pieces` segments.
    func rows(width: Int, pieces: Int) -> SortedRows<UInt64> {
      var rows = SortedRows<UInt64>(width: width)
      for piece in 0..<pieces {
        let range = piece * keys.count / pieces..<(piece + 1) * keys.count / pieces
        let part = SortedRows(
          copying: Array(keys[range]), values: Array(values[range.lowerBound * width..<range.upperBound * width]),
          width: width)
        for segment in part.segments { rows.append(segment, ownedBy: Owner(part)) }
      }
      return rows
    }
  }

  private final class Owner {
    let rows: SortedRows<UInt64>
    init(_ rows: SortedRows<UInt64>) { self.rows = rows }
  }

  @Test("A merge is the sum by its definition, bit for bit, whatever the segments", arguments: [1, 3, 11], [1, 2, 7])
  func merge(width: Int, pieces: Int) {
    let buffer = RowBuffer<UInt64>()
    for _ in 0..<50 {
      let (left, right) = (Case(width: width), Case(width: width))
      var expected: [UInt64: [Float]] = [:]
      for (i, key) in left.keys.enumerated() { expected[key] = Array(left.values[i * width..<(i + 1) * width]) }
      for (i, key) in right.keys.enumerated() {
        let row = right.values[i * width..<(i + 1) * width]
        expected[key] = expected[key].map { zip($0, row).map { $0 + $1 } } ?? Array(row)
      }
      let sum = SortedRows.merge(
        left.rows(width: width, pieces: pieces), right.rows(width: width, pieces: 1), into: buffer)
      var keys: [UInt64] = []
      sum.forEach { key, row in
        keys.append(key)
        #expect((0..<width).map { row[$0].bitPattern } == expected[key]?.map(\.bitPattern))
      }
      #expect(keys == expected.keys.sorted() && sum.count == keys.count && sum.ascends)
    }
  }

  @Test("Rows that do not ascend are told, within a segment and across two")
  func ascends() {
    func rows(_ segments: [[UInt32]]) -> Bool {
      var all = SortedRows<UInt32>(width: 1)
      let parts = segments.map { SortedRows(copying: $0, values: $0.map { _ in 0 }, width: 1) }
      for segment in parts.flatMap(\.segments) { all.append(segment, ownedBy: nil) }
      return withExtendedLifetime(parts) { all.ascends }
    }
    #expect(rows([]) && rows([[5]]) && rows([[1, 2], [3], [], [4]]))
    #expect(!rows([[2, 1]]) && !rows([[1, 1]]) && !rows([[1, 2], [2]]) && !rows([[3], [], [1]]))
  }

  @Test("Sightings add up by rank and stop at the largest count")
  func sightings() {
    let left = Sightings(ranks: [1, 3, 9], counts: [1, .max, 4])
    let right = Sightings(ranks: [2, 3, 10, 11], counts: [7, 1, 1, 1])
    var sum = Sightings(ranks: [5], counts: [5])
    sum.merge(left, right)
    #expect(sum == Sightings(ranks: [1, 2, 3, 9, 10, 11], counts: [1, 7, .max, 4, 1, 1]))
    sum.merge(Sightings(), left)
    #expect(sum == left)
  }

  @Test("Parts hold every row once and none above the limit", arguments: [0, 1, 1000, 123_456, 400_000])
  func parts(rows: Int) {
    for width in [1, 11, 1024, 1 << 20] {
      let parts = Parts(rows: rows, width: width)
      #expect((0..<parts.count).reduce(0) { $0 + parts[$1].count } == rows)
      #expect((0..<parts.count).allSatisfy { parts[$0].count <= Parts.rowsPerPart(width: width) })
      #expect((1..<parts.count).allSatisfy { parts[$0].lowerBound == parts[$0 - 1].upperBound })
      #expect(parts[parts.count].isEmpty && parts[-1].isEmpty && parts[.max].isEmpty)
    }
  }
}
