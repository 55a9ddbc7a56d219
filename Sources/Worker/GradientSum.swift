import DeepFM

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

    reserve(sparse: (left.uniques.count + right.uniques.count) * width)
    uniques.removeAll(keepingCapacity: true)
    uniques.reserveCapacity(left.uniques.count + right.uniques.count)
    var target = sparse
    var l = 0
    var r = 0
    left.uniques.withUnsafeBufferPointer { leftPlaces in
      right.uniques.withUnsafeBufferPointer { rightPlaces in
        while l < leftPlaces.count || r < rightPlaces.count {
          let leftPlace = l < leftPlaces.count ? leftPlaces[l] : .max
          let rightPlace = r < rightPlaces.count ? rightPlaces[r] : .max
          if leftPlace == rightPlace {
            let a = left.sparse + l * width
            let b = right.sparse + r * width
            for column in 0..<width { target[column] = a[column] + b[column] }
          } else {
            target.update(
              from: leftPlace < rightPlace ? left.sparse + l * width : right.sparse + r * width, count: width)
          }
          uniques.append(min(leftPlace, rightPlace))
          if leftPlace <= rightPlace { l += 1 }
          if rightPlace <= leftPlace { r += 1 }
          target += width
        }
      }
    }
  }

  private func take(_ other: GradientSum) {
    swap(&uniques, &other.uniques)
    swap(&sparse, &other.sparse)
    swap(&sparseCapacity, &other.sparseCapacity)
    swap(&dense, &other.dense)
  }
}
