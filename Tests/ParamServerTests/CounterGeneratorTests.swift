import Sharding
import Testing

@testable import ParamServer

@Suite("Where rows start")
struct CounterGeneratorTests {
  private func row(_ key: UInt64, seed: UInt64 = 1, table: Int = 0, _ columns: [TableDescription.Columns]) -> [Float] {
    var row = [Float](repeating: .nan, count: columns.reduce(0) { $0 + $1.width })
    CounterGenerator(seed: seed, table: table).fill(&row, rank: Rank.of(key), columns: columns)
    return row
  }

  private let normal = [TableDescription.Columns(name: "v", width: 8, initializer: .normal(deviation: 2))]

  @Test("A row's start depends on seed, table and rank alone")
  func purity() {
    #expect(row(5, normal) == row(5, normal))
    #expect(row(5, normal) != row(6, normal))
    #expect(row(5, normal) != row(5, seed: 2, normal))
    #expect(row(5, normal) != row(5, table: 1, normal))
    #expect(Set(row(5, normal)).count == 8)
  }

  @Test("Normal starts have mean 0 and the deviation asked for")
  func normalMoments() {
    let values = (0..<25_000).flatMap { row(UInt64($0), normal).map(Double.init) }
    let n = Double(values.count)
    let variance = values.reduce(0) { $0 + $1 * $1 } / n
    #expect(abs(values.reduce(0, +) / n) < 0.03)
    #expect(abs(variance - 4) < 0.06)
    #expect(abs(values.reduce(0) { $0 + $1 * $1 * $1 * $1 } / n / (variance * variance) - 3) < 0.1)
  }

  @Test("Uniform starts fill their interval evenly")
  func uniformMoments() {
    let columns = [TableDescription.Columns(name: "v", width: 8, initializer: .uniform(bound: 0.5))]
    let values = (0..<25_000).flatMap { row(UInt64($0), columns).map(Double.init) }
    let n = Double(values.count)
    #expect(values.allSatisfy { $0 >= -0.5 && $0 <= 0.5 })
    #expect(abs(values.reduce(0, +) / n) < 0.005)
    #expect(abs(values.reduce(0) { $0 + $1 * $1 } / n - 0.25 / 3) < 0.001)
  }

  @Test("Columns start by their group, keys by their region")
  func groupsAndRegions() throws {
    func region(_ first: UInt64, _ initializer: TableDescription.Initializer) -> TableDescription.Region {
      .init(
        firstKey: first,
        columns: [.init(name: "a", width: 1, initializer: .zero), .init(name: "b", width: 2, initializer: initializer)])
    }
    let table = try Table(
      TableDescription(
        name: "dense",
        regions: [region(0, .zero), region(10, .uniform(bound: 1)), region(20, .zero)],
        optimizer: .adam(learningRate: 0.1)), number: 1, seed: 3)
    for key in [0, 9, 10, 19, 20, .max] as [UInt64] {
      var values = [Float](repeating: .nan, count: 3)
      [Rank.of(key)].withUnsafeBufferPointer { table.gather($0, into: &values) }
      #expect(values[0] == 0)
      #expect(values[1...].allSatisfy { ($0 != 0) == (10..<20).contains(key) })
    }
  }
}
