import DeepFM
import Sharding

/// The gradients of one node of the slice tree, summed over its rows.
///
/// `@unchecked Sendable`: owned by one thread at a time; `SliceTree` and `GradientPool` hand it over under a lock.
final class GradientSum: @unchecked Sendable {
  /// Ascending places, among the step's keys, of the rows below.
  var uniques: [UInt32] = []
  /// `[uniques.count x width]`
  private(set) var sparse: UnsafeMutablePointer<Float>
  private var sparseCapacity: Int
  /// `[denseCount]`
  private(set) var dense: UnsafeMutablePointer<Float>
  private let denseCount: Int
  /// Where sums are merged.
  private var spare: RowBuffer<UInt32>?
  /// Rows of data behind the sum. A sum of no rows is absent: it adds nothing, not even a zero.
  var samples = 0
  var lossSum = 0.0

  init(denseCount: Int) {
    self.denseCount = denseCount
    dense = .allocate(capacity: max(1, denseCount))
    sparseCapacity = 1 << 14
    sparse = .allocate(capacity: sparseCapacity)
  }

  deinit {
    sparse.deallocate()
    dense.deallocate()
  }

  func reserve(sparse count: Int) {
    guard count > sparseCapacity else { return }
    sparse.deallocate()
    sparseCapacity = count + count / 2
    sparse = .allocate(capacity: sparseCapacity)
  }

  /// Scales the sum down where the mean gradient it stands for is longer than `norm` (Pascanu et al. 2013). Done slice by
  /// slice, before anything is added up, so that it depends on nobody else.
  func clip(norm: Double, width: Int) {
    var squares = 0.0
    for i in 0..<uniques.count * width { squares += Double(sparse[i]) * Double(sparse[i]) }
    for i in 0..<denseCount { squares += Double(dense[i]) * Double(dense[i]) }
    let length = squares.squareRoot() / Double(samples)
    guard length > norm else { return }
    let factor = Float(norm / length)
    for i in 0..<uniques.count * width { sparse[i] *= factor }
    for i in 0..<denseCount { dense[i] *= factor }
  }

  /// Makes this sum `left + right`, row by row in ascending order. `left` and `right` may be used up by it.
  func merge(_ left: GradientSum, _ right: GradientSum, width: Int) {
    samples = left.samples + right.samples
    lossSum = left.lossSum + right.lossSum
    guard left.samples > 0, right.samples > 0 else {
      take(left.samples > 0 ? left : right)
      return
    }
    swap(&dense, &left.dense)
    for index in 0..<denseCount { dense[index] += right.dense[index] }

    let buffer = spare ?? RowBuffer()
    spare = buffer
    let merged = left.uniques.withUnsafeBufferPointer { leftPlaces in
      right.uniques.withUnsafeBufferPointer { rightPlaces in
        SortedRows.merge(
          left.rows(leftPlaces, width: width), right.rows(rightPlaces, width: width), into: buffer)
      }
    }
    reserve(sparse: merged.count * width)
    sparse.update(from: buffer.values, count: merged.count * width)
    uniques = Array(UnsafeBufferPointer(start: buffer.keys, count: merged.count))
  }

  private func rows(_ places: UnsafeBufferPointer<UInt32>, width: Int) -> SortedRows<UInt32> {
    var rows = SortedRows<UInt32>(width: width)
    if let keys = places.baseAddress {
      rows.append(.init(keys: keys, values: sparse, count: places.count), ownedBy: nil)
    }
    return rows
  }

  private func take(_ other: GradientSum) {
    swap(&uniques, &other.uniques)
    swap(&sparse, &other.sparse)
    swap(&sparseCapacity, &other.sparseCapacity)
    swap(&dense, &other.dense)
  }
}
