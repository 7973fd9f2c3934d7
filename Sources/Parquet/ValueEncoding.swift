/// Writes values to the scratch page in an encoding.
extension ColumnChunkWriter {
  /// Writes the dictionary page's values to the scratch page.
  func encodeDictionary(_ values: ColumnValues) {
    scratch.page.removeAll()
    let used = ValueSelection(positions: scratch.usage.used, count: scratch.usage.usedCount)
    PlainWriter.write(values, used, to: &scratch.page)
  }

  /// Appends values to the scratch page.
  func encodeValues(
    _ values: ColumnValues, _ selection: ValueSelection, _ encoding: Encoding
  ) throws {
    switch encoding {
    case .plain: PlainWriter.write(values, selection, to: &scratch.page)
    case .rleDictionary: encodeCodes(selection)
    case .rle: encodeBooleans(values, selection)
    case .deltaBinaryPacked:
      if column.physicalType == .int32 {
        encodeDeltas(values, selection, as: Int32.self)
      } else {
        encodeDeltas(values, selection, as: Int64.self)
      }
    case .deltaLengthByteArray:
      DeltaLengthByteArrayWriter.write(
        values, selection, lengths: &scratch.lengths, to: &scratch.page)
    case .deltaByteArray:
      DeltaByteArrayWriter.write(
        values, selection, lengths: &scratch.lengths, suffixes: &scratch.suffixes,
        to: &scratch.page)
    case .byteStreamSplit:
      ByteStreamSplitWriter.write(
        values, selection, length: column.fixedLength ?? 0, to: &scratch.page)
    case .plainDictionary, .bitPacked:
      throw ParquetError(
        .unsupported, expected: "an encoding that is written", found: "\(encoding)")
    }
  }

  private func encodeCodes(_ selection: ValueSelection) {
    let width = codeWidth
    scratch.page.append(UInt8(width))
    guard var positions = selection.positions ?? scratch.usage.codes.map({ $0 + selection.first })
    else { return }
    if let codes = scratch.usage.codes, selection.positions != nil {
      let target = scratch.codes.room(for: selection.count)
      for index in 0..<selection.count { target[index] = codes[Int(positions[index])] }
      positions = UnsafePointer(target)
    }
    RunLengthBitPackedWriter.write(
      positions, count: selection.count, width: width, to: &scratch.page)
  }

  private func encodeBooleans(_ values: ColumnValues, _ selection: ValueSelection) {
    let source = values.base.assumingMemoryBound(to: Bool.self)
    let target = scratch.codes.room(for: selection.count)
    for index in 0..<selection.count { target[index] = source[selection[index]] ? 1 : 0 }
    let start = scratch.page.count
    scratch.page.append(littleEndian: UInt32(0))
    RunLengthBitPackedWriter.write(target, count: selection.count, width: 1, to: &scratch.page)
    scratch.page.overwrite(at: start, littleEndian: UInt32(scratch.page.count - start - 4))
  }

  private func encodeDeltas<Value: FixedWidthInteger & SignedInteger & BitwiseCopyable>(
    _ values: ColumnValues, _ selection: ValueSelection, as: Value.Type
  ) {
    let source = values.base.assumingMemoryBound(to: Value.self)
    guard let positions = selection.positions else {
      DeltaBinaryPackedWriter.write(
        source + selection.first, count: selection.count, to: &scratch.page)
      return
    }
    scratch.numbers.room(for: selection.count).withMemoryRebound(
      to: Value.self, capacity: selection.count
    ) { target in
      for index in 0..<selection.count { target[index] = source[Int(positions[index])] }
      DeltaBinaryPackedWriter.write(target, count: selection.count, to: &scratch.page)
    }
  }

  /// Bits of a dictionary index. At least one: not every reader knows indices of no bits.
  var codeWidth: Int {
    max(1, BitPacking.width(of: UInt32(max(scratch.usage.usedCount - 1, 0))))
  }
}
