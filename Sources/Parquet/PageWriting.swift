/// Compresses pages and hands them on with their headers.
extension ColumnChunkWriter {
  /// Compresses the scratch page, or what it has from `start` on.
  func compressPage(from start: Int = 0) throws -> UnsafeRawBufferPointer {
    guard scratch.page.count <= Int(Int32.max) else {
      throw ParquetError(
        .limitExceeded, expected: "a page of at most \(Int32.max) bytes",
        found: "\(scratch.page.count)")
    }
    let bytes = UnsafeRawBufferPointer(rebasing: scratch.page.bytes[start...])
    let body = try scratch.compressor.compress(bytes, with: options.codec)
    guard body.count <= Int(Int32.max) else {
      throw ParquetError(
        .limitExceeded, expected: "a compressed page of at most \(Int32.max) bytes",
        found: "\(body.count)")
    }
    return body
  }

  func checksum(
    _ body: UnsafeRawBufferPointer, after levels: UnsafeRawBufferPointer? = nil
  ) -> UInt32? {
    guard options.checksums else { return nil }
    return Checksum.crc32(body, after: levels.map { Checksum.crc32($0) } ?? 0)
  }

  /// Writes the data page that is in the scratch page.
  func writeDataPage(
    _ page: PageRows, _ levels: PageLevels, _ encoding: Encoding,
    into chunk: inout ColumnChunkMetadata, _ emit: Emit
  ) throws {
    guard levels.count <= Int(Int32.max) else {
      throw ParquetError(
        .limitExceeded, expected: "lists of at most \(Int32.max) elements",
        found: "one of \(levels.count) in row \(page.rows.lowerBound)")
    }
    guard options.dataPages == .v2 else {
      let body = try compressPage()
      scratch.header.writeDataPage(
        valueCount: levels.count, encoding: encoding, uncompressedByteCount: scratch.page.count,
        compressedByteCount: body.count, checksum: checksum(body))
      return try emitPage(body, into: &chunk, emit)
    }
    let levelByteCount = levels.repetitionByteCount + levels.definitionByteCount
    var body = try compressPage(from: levelByteCount)
    let isCompressed = body.count < scratch.page.count - levelByteCount
    if !isCompressed {
      body = UnsafeRawBufferPointer(rebasing: scratch.page.bytes[levelByteCount...])
    }
    let levelBytes = UnsafeRawBufferPointer(rebasing: scratch.page.bytes[..<levelByteCount])
    scratch.header.writeDataPageV2(
      rowCount: page.rows.count, levels, encoding: encoding, isCompressed: isCompressed,
      uncompressedByteCount: scratch.page.count,
      compressedByteCount: levelByteCount + body.count,
      checksum: checksum(body, after: levelBytes))
    try emitPage(body, after: levelBytes, into: &chunk, emit)
  }

  func emitPage(
    _ body: UnsafeRawBufferPointer, after levels: UnsafeRawBufferPointer? = nil,
    into chunk: inout ColumnChunkMetadata, _ emit: Emit
  ) throws {
    let header = scratch.header.bytes
    try emit(header)
    if let levels { try emit(levels) }
    try emit(body)
    chunk.uncompressedByteCount += Int64(header.count + scratch.page.count)
    chunk.compressedByteCount += Int64(header.count + (levels?.count ?? 0) + body.count)
  }
}
