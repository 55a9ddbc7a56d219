import Features
import Sharding
import Testing
import Wire

@testable import Worker

struct AdmissionTests {
  @Test("Gradients of absent rows go to the row that stood in; their sightings are pushed; unused rows are not")
  func folding() {
    let width = 2
    // Keys of fields 0 and 1, and the two that stand for others.
    var batch = Batch(fields: 2)
    batch.append(label: 1, keys: [10, 20])
    batch.append(label: 0, keys: [11, 20])
    batch.append(label: 0, keys: [10, 21])
    let work = StepWork()
    work.parts = [SlicePart(slice: 0, batch: batch), SlicePart(slice: 1, batch: Batch(fields: 2))]
    var unique = UniqueKeys(otherKeys: [90, 91])
    unique.number(work)
    let part = work.parts[0]
    #expect(Set(work.keys) == [10, 11, 20, 21, 90, 91] && part.uniques.count == 6)
    #expect(work.parts[1].uniques.isEmpty && work.parts[1].substitution.others.isEmpty, "an empty slice stays empty")
    func position(_ key: UInt64) -> Int { part.uniques.firstIndex { work.keys[Int($0)] == key }! }
    #expect(part.substitution.others.map { work.keys[Int(part.uniques[Int($0)])] } == [90, 91])
    #expect(part.substitution.sightings[position(10)] == 2 && part.substitution.sightings[position(91)] == 0)
    #expect(part.substitution.fields[position(21)] == 1)

    // 10 and 11 are not admitted, 20 and 21 are.
    let absent: [Float] = [TableDescription.Admission.absent, 0]
    let present: [Float] = [1, 1]
    absent.withUnsafeBufferPointer { absent in
      present.withUnsafeBufferPointer { present in
        let rows: [UnsafePointer<Float>?] = work.keys.map {
          [10, 11].contains($0) ? absent.baseAddress : present.baseAddress
        }
        let sum = GradientSum(denseCount: 0)
        sum.uniques = part.uniques
        sum.reserve(sparse: 6 * width)
        for place in 0..<6 {
          sum.sparse[place * width] = Float(work.keys[Int(part.uniques[place])])
          sum.sparse[place * width + 1] = 1
        }
        sum.fold(part.substitution, rows: rows, width: width)
        sum.note(part.substitution, rows: rows, width: width)
        var pushed: [UInt64: [Float]] = [:]
        for (place, unique) in sum.uniques.enumerated() {
          pushed[work.keys[Int(unique)]] = [sum.sparse[place * width], sum.sparse[place * width + 1]]
        }
        // 91 stood in for nothing.
        #expect(pushed == [10: [2, 0], 11: [1, 0], 20: [20, 1], 21: [21, 1], 90: [90 + 10 + 11, 3]])
        #expect(zip(sum.uniques, sum.uniques.dropFirst()).allSatisfy { $0 < $1 })
      }
    }
  }
}
