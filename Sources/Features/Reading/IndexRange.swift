/// The smallest and largest index (libsvm) or field number (libffm) of some files.
enum IndexRange {
  static func find(_ inputs: [InputFile], hasFields: Bool) throws -> ClosedRange<UInt64>? {
    var range: ClosedRange<UInt64>?
    for (number, input) in inputs.enumerated() {
      let scan = RecordScan(separator: 0, hasQuotes: false)
      var scanner = LineScanner(file: number, name: input.name, chunkBytes: 1 << 20, header: nil, scan: scan)
      var bytes = ChunkBytes()
      try scanner.scan(
        input,
        take: { chunk in
          try bytes.read(chunk, of: input) { extend(&range, $0, scan, hasFields: hasFields) }
        }, progress: { _ in })
    }
    return range
  }

  /// Rows that are malformed are left to those who will name them.
  private static func extend(
    _ range: inout ClosedRange<UInt64>?, _ bytes: UnsafeRawBufferPointer, _ scan: RecordScan, hasFields: Bool
  ) {
    // Bytes, whatever they were bound to.
    guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
    var start = 0
    while start < bytes.count {
      let end = scan.end(in: bytes, from: start) ?? bytes.count
      var text = IndexedText(base + start, count: end - start, hasFields: hasFields)
      _ = text.next()
      while let feature = try? text.nextFeature() {
        let number = hasFields ? feature.field : feature.index
        range = min(range?.lowerBound ?? number, number)...max(range?.upperBound ?? number, number)
      }
      start = end + 1
    }
  }
}
