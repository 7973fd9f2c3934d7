extension ColumnVector {
  /// The rows at these places, in this order.
  func taking(_ rows: [UInt32]) -> ColumnVector {
    guard let lists else { return taking(elements: rows) }
    var offsets: [UInt32] = [0]
    offsets.reserveCapacity(rows.count + 1)
    var elements: [UInt32] = []
    for row in rows {
      elements.append(contentsOf: lists.offsets[Int(row)]..<lists.offsets[Int(row) + 1])
      offsets.append(UInt32(truncatingIfNeeded: elements.count))
    }
    var taken = taking(elements: elements)
    taken.lists = ListRows(
      offsets: offsets, isNull: lists.isNull.map { isNull in rows.map { isNull[Int($0)] } })
    return taken
  }

  private func taking(elements: [UInt32]) -> ColumnVector {
    guard let indices else {
      return ColumnVector(
        values: values.taking(elements), valuesAreDistinct: valuesAreDistinct)
    }
    return ColumnVector(
      values: values, indices: indices.taking(elements), valuesAreDistinct: valuesAreDistinct)
  }
}

extension PhysicalValues {
  /// The values at these places, in this order.
  func taking(_ positions: [UInt32]) -> PhysicalValues {
    switch self {
    case .boolean(let values): .boolean(values.taking(positions))
    case .int32(let values): .int32(values.taking(positions))
    case .int64(let values): .int64(values.taking(positions))
    case .int96(let values): .int96(values.taking(positions))
    case .float(let values): .float(values.taking(positions))
    case .double(let values): .double(values.taking(positions))
    case .byteArray(let strings): .byteArray(strings.taking(positions))
    case .fixedLengthByteArray(let strings): .fixedLengthByteArray(strings.taking(positions))
    }
  }
}

extension ByteStrings {
  /// The strings at these places, in this order, in the same block of bytes.
  func taking(_ positions: [UInt32]) -> ByteStrings {
    ByteStrings(storage: storage, slices: slices.taking(positions))
  }
}

extension Array {
  fileprivate func taking(_ positions: [UInt32]) -> [Element] {
    positions.map { self[Int($0)] }
  }
}
