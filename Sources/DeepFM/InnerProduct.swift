/// `Σ a·b`, in eight lanes whose order does not depend on alignment.
@inline(__always)
func innerProduct<Scalar: ModelScalar>(_ a: UnsafePointer<Scalar>, _ b: UnsafePointer<Scalar>, count: Int) -> Scalar {
  var lanes = SIMD8<Scalar>.zero
  let rawA = UnsafeRawPointer(a)
  let rawB = UnsafeRawPointer(b)
  let whole = count & ~7
  var i = 0
  while i < whole {
    let offset = i &* MemoryLayout<Scalar>.stride
    lanes +=
      rawA.loadUnaligned(fromByteOffset: offset, as: SIMD8<Scalar>.self)
      * rawB.loadUnaligned(fromByteOffset: offset, as: SIMD8<Scalar>.self)
    i &+= 8
  }
  var sum = lanes.sum()
  while i < count {
    sum += a[i] * b[i]
    i &+= 1
  }
  return sum
}
