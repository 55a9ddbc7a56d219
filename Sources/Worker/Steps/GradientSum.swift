import Sharding
import Synchronization

/// The gradients of one node of the slice tree, summed over its rows, and how often keys without rows were met.
///
/// `@unchecked Sendable`: owned by one thread at a time; `SliceTree` and `GradientPool` hand it over under a lock.
package final class GradientSum: @unchecked Sendable {
  /// Parameters of a sparse row, and of the dense vector.
  package struct Shape: Hashable, Sendable {
    package var width: Int
    package var denseCount: Int
    /// Whether sparse rows get two more columns: how often their keys were shown, and clicked.
    package var countsClicks: Bool

    package init(width: Int, denseCount: Int, countsClicks: Bool = false) {
      self.width = width
      self.denseCount = denseCount
      self.countsClicks = countsClicks
    }

    /// Floats of a row that is pushed.
    package var pushedWidth: Int { width + (countsClicks ? TableDescription.Eviction.clickColumns : 0) }
  }

  let shape: Shape
  /// Ascending places, among the step's ranks, of the rows below, and `[count x rowWidth]` gradients.
  private var buffer = RowBuffer<UInt32>()
  /// Floats of a row: the shape's width, and the columns of shows and clicks once they are there.
  private(set) var rowWidth: Int
  package private(set) var count = 0
  /// `[denseCount]`
  package private(set) var dense: UnsafeMutablePointer<Float>
  package var sightings = Sightings()
  /// Rows of data behind the sum. A sum of no rows is absent: it adds nothing, not even a zero.
  package private(set) var samples = 0
  package var lossSum = 0.0

  package init(_ shape: Shape) {
    self.shape = shape
    rowWidth = shape.width
    dense = .allocate(capacity: max(1, shape.denseCount))
  }

  deinit { dense.deallocate() }

  package var places: UnsafeBufferPointer<UInt32> { UnsafeBufferPointer(start: buffer.keys, count: count) }
  package var sparse: UnsafeMutablePointer<Float> { buffer.values }

  private var rows: SortedRows<UInt32> {
    var rows = SortedRows<UInt32>(width: rowWidth)
    rows.append(.init(keys: buffer.keys, values: buffer.values, count: count), ownedBy: buffer)
    return rows
  }

  /// Makes the sum one of `samples` rows of data that touch these places; the gradients are still to be written.
  package func begin(samples: Int, places: [UInt32]) {
    self.samples = samples
    lossSum = 0
    sightings.removeAll()
    count = samples > 0 ? places.count : 0
    rowWidth = shape.width
    buffer.reserve(rows: count, width: shape.pushedWidth)
    let keys = buffer.keys
    for row in 0..<count { keys[row] = places[row] }
  }

  /// Adds two columns to each row, behind its gradient: how often its key occurs in the slice, and how often in rows of data
  /// with label 1.
  func addClicks(of slice: SlicePart) {
    let (batch, uniques) = (slice.batch, slice.uniques)
    var counts = [Float](repeating: 0, count: uniques.count * 2)
    for row in 0..<batch.rows {
      let entries = batch.offsets[row * batch.fields]..<batch.offsets[(row + 1) * batch.fields]
      for entry in entries {
        let place = Int(slice.places[Int(entry)])
        counts[2 * place] += 1
        counts[2 * place + 1] += batch.labels[row]
      }
    }
    let (keys, values, width, wide) = (buffer.keys, buffer.values, shape.width, shape.pushedWidth)
    // From the last one on, since each row moves up; some of the slice's are not in the sum.
    var place = uniques.count - 1
    for row in (0..<count).reversed() {
      while uniques[place] != keys[row] { place -= 1 }
      let target = values + row * wide
      target.update(from: values + row * width, count: width)
      (target[width], target[width + 1]) = (counts[2 * place], counts[2 * place + 1])
    }
    rowWidth = wide
  }

  /// Keeps the rows of which `isKept` holds.
  func keep(where isKept: (Int) -> Bool) {
    let (keys, values, width) = (buffer.keys, buffer.values, shape.width)
    var kept = 0
    for row in 0..<count where isKept(row) {
      if kept < row {
        keys[kept] = keys[row]
        (values + kept * width).update(from: values + row * width, count: width)
      }
      kept += 1
    }
    count = kept
  }

  /// Scales the sum down where the mean gradient it stands for is longer than `norm` (Pascanu et al. 2013). Done slice by
  /// slice, before anything is added up, so that it depends on nobody else.
  func clip(norm: Double) {
    let gradients = [
      UnsafeMutableBufferPointer(start: sparse, count: count * shape.width),
      UnsafeMutableBufferPointer(start: dense, count: shape.denseCount),
    ]
    var squares = 0.0
    for gradient in gradients {
      for value in gradient { squares += Double(value) * Double(value) }
    }
    let length = squares.squareRoot() / Double(samples)
    guard length > norm else { return }
    let factor = Float(norm / length)
    for gradient in gradients {
      for i in gradient.indices { gradient[i] *= factor }
    }
  }

  /// Makes this sum `left + right`. `left` and `right` may be used up by it.
  func merge(_ left: GradientSum, _ right: GradientSum) {
    samples = left.samples + right.samples
    lossSum = left.lossSum + right.lossSum
    guard left.samples > 0, right.samples > 0 else {
      take(left.samples > 0 ? left : right)
      return
    }
    rowWidth = left.rowWidth
    swap(&dense, &left.dense)
    let (sum, other) = (dense, right.dense)
    for index in 0..<shape.denseCount { sum[index] += other[index] }
    count = SortedRows.merge(left.rows, right.rows, into: buffer).count
    sightings.merge(left.sightings, right.sightings)
  }

  private func take(_ other: GradientSum) {
    swap(&buffer, &other.buffer)
    swap(&dense, &other.dense)
    swap(&sightings, &other.sightings)
    (count, rowWidth) = (other.count, other.rowWidth)
  }
}

/// Gradient buffers between uses.
package final class GradientPool: Sendable {
  package let shape: GradientSum.Shape
  private let free = Mutex<[GradientSum]>([])

  package init(_ shape: GradientSum.Shape) { self.shape = shape }

  package func take() -> GradientSum { free.withLock { $0.popLast() } ?? GradientSum(shape) }

  package func give(_ sum: GradientSum) { free.withLock { $0.append(sum) } }
}
