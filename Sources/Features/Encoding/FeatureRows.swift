/// Rows of indices and values: libfm, libsvm, libffm.
extension RowEncoder {
  func encodeFeatures(
    _ row: UnsafePointer<UInt8>, count: Int, _ scratch: Scratch, into buffer: inout EntryBuffer
  ) throws {
    var text = IndexedText(row, count: count, hasFields: encoding.format == .libffm)
    var label: Float = 0
    if scratch.hasLabels {
      label = try self.label(text.next() ?? ColumnSpan(row, count: 0), scratch)
    } else {
      text.skipLabel()
    }
    scratch.features.removeAll(keepingCapacity: true)
    var last = -1
    var isInOrder = true
    while let feature = try text.nextFeature() {
      guard let field = try self.field(of: feature, position: scratch.features.count) else { continue }
      isInOrder = isInOrder && field >= last
      last = field
      let value = fields[field].limited(Double(feature.value))
      if value.isOutside { buffer.outside &+= 1 }
      scratch.features.append((field, known(feature.index, fields + field), Float(value.number)))
    }
    if isPositional, scratch.features.count != fieldCount {
      throw RowFailure(
        "expected \(fieldCount) features as in the first row, found \(scratch.features.count). Correct or remove the row, or give each field its range of indices in a schema"
      )
    }
    if !isInOrder {
      // Stable, so that equal bits come of equal rows.
      let order = scratch.features.indices.sorted {
        (scratch.features[$0].field, $0) < (scratch.features[$1].field, $1)
      }
      scratch.features = order.map { scratch.features[$0] }
    }
    var next = 0
    for field in 0..<fieldCount {
      while next < scratch.features.count, scratch.features[next].field == field {
        buffer.append(scratch.features[next].key, scratch.features[next].value)
        next += 1
      }
      buffer.endCell()
    }
    buffer.endRow(label: label)
  }

  /// nil for a feature that is left out.
  func field(of feature: IndexedText.Feature, position: Int) throws -> Int? {
    if isPositional {
      guard position < fieldCount else {
        throw RowFailure(
          "expected \(fieldCount) features as in the first row, found more. Correct or remove the row, or give each field its range of indices in a schema"
        )
      }
      return position
    }
    if encoding.format == .libffm {
      guard feature.field >= encoding.firstField, feature.field - UInt64(encoding.firstField) < fieldCount else {
        throw RowFailure(
          "field \(feature.field) is not one of the training data's \(encoding.firstField) to \(encoding.firstField + fieldCount - 1). Correct or remove the row"
        )
      }
      return Int(feature.field) - encoding.firstField
    }
    let low = ranges.indices.partitioningPoint { ranges[$0].indices.upperBound >= feature.index }
    if low < ranges.count, ranges[low].indices.contains(feature.index) { return ranges[low].field }
    if encoding.leavesOutUnknown { return nil }
    throw RowFailure(
      "index \(feature.index) belongs to no field of the schema. Correct the row, or the fields' indices")
  }
}
