import Sharding
import Testing

@testable import ParamServer
@testable import Wire

@Suite("Tables")
struct TableTests {
  private func read(_ table: Table, _ keys: [UInt64], readOnly: Bool) -> [Float] {
    var values = [Float](repeating: .nan, count: keys.count * table.width)
    keys.withUnsafeBufferPointer { keys in
      values.withUnsafeMutableBufferPointer { table.pull(keys, readOnly: readOnly, into: $0.baseAddress!) }
    }
    return values
  }

  @Test("A table holds what a dictionary would, over random pulls and updates", arguments: [2, 5, 11])
  func dictionaryModel(width: Int) throws {
    var generator = SeededGenerator(width)
    let table = try Table(describeTable(width: width, l2: 0), number: 0, seed: 5)
    var model: [UInt64: [Float]] = [:]
    for _ in 0..<200 {
      let keys = sorted((0..<100).map { _ in UInt64.random(in: 0..<3000, using: &generator) })
      let values = read(table, keys, readOnly: false)
      for (i, key) in keys.enumerated() {
        let row = Array(values[i * width..<(i + 1) * width])
        if let known = model[key] { #expect(known == row) }
        model[key] = row
      }
      let sums = (0..<keys.count * width).map { _ in Float.random(in: -1...1, using: &generator) }
      table.apply(keys, sums: sums, count: keys.count, scale: 1, step: 0)
      let updated = read(table, keys, readOnly: true)
      for (i, key) in keys.enumerated() { model[key] = Array(updated[i * width..<(i + 1) * width]) }
    }
    #expect(table.rows == model.count)
    let all = sorted(model.keys)
    #expect(read(table, all, readOnly: true) == all.flatMap { model[$0]! })
  }

  @Test("Keys that share a slot are all found again as the slot grows")
  func oneSlotGrows() throws {
    let table = try Table(describeTable(), number: 0, seed: 5)
    let keys = sorted((0..<2_000_000).lazy.map { UInt64($0) }.filter { Rank.slot(of: Rank.of($0)) == 77 })
    #expect(keys.count > 80)
    let first = keys.flatMap { read(table, [$0], readOnly: false) }
    #expect(read(table, keys, readOnly: true) == first)
    #expect(table.dirtySlots == [77])
  }

  @Test("A read-only pull of absent keys answers zeros and creates nothing")
  func readOnlyCreatesNothing() throws {
    let table = try Table(describeTable(), number: 0, seed: 5)
    let before = table.bytes
    #expect(read(table, sorted(0..<50), readOnly: true).allSatisfy { $0 == 0 })
    #expect(table.rows == 0 && table.bytes == before && table.dirtySlots.isEmpty && table.filledSlots.isEmpty)
  }

  @Test("A slot is dirty from its creation or update until it is marked clean")
  func dirtiness() throws {
    let table = try Table(describeTable(), number: 0, seed: 5)
    _ = read(table, [9], readOnly: false)
    let slot = Rank.slot(of: Rank.of(9))
    #expect(table.dirtySlots == [slot])
    table.markClean(slot: slot)
    _ = read(table, [9], readOnly: false)
    #expect(table.dirtySlots.isEmpty)
    table.apply([9], sums: [1, 1, 1], count: 1, scale: 1, step: 0)
    #expect(table.dirtySlots == [slot])
  }

  static let contradictions: [TableDescription] = [
    TableDescription(name: "none", regions: [], optimizer: .adam(learningRate: 1)),
    TableDescription(
      name: "empty", regions: [.init(firstKey: 0, columns: [])], optimizer: .adam(learningRate: 1)),
    TableDescription(
      name: "negative", regions: [.init(firstKey: 0, columns: [.init(name: "a", width: -1, initializer: .zero)])],
      optimizer: .adam(learningRate: 1)),
    TableDescription(
      name: "uneven",
      regions: [
        .init(firstKey: 0, columns: [.init(name: "a", width: 2, initializer: .zero)]),
        .init(firstKey: 5, columns: [.init(name: "a", width: 3, initializer: .zero)]),
      ], optimizer: .adam(learningRate: 1)),
    TableDescription(
      name: "late", regions: [.init(firstKey: 1, columns: [.init(name: "a", width: 2, initializer: .zero)])],
      optimizer: .adam(learningRate: 1)),
    TableDescription(
      name: "unordered",
      regions: [
        .init(firstKey: 0, columns: [.init(name: "a", width: 2, initializer: .zero)]),
        .init(firstKey: 0, columns: [.init(name: "b", width: 2, initializer: .zero)]),
      ], optimizer: .adam(learningRate: 1)),
  ]

  @Test("A description that contradicts itself is refused and named", arguments: contradictions)
  func contradiction(description: TableDescription) {
    let error = #expect(throws: ServerError.self) { try Table(description, number: 0, seed: 0) }
    #expect(error.map { "\($0)".contains("\"\(description.name)\"") } == true)
  }
}
