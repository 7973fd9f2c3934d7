import Parquet

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Between a parsed chunk and the columns of its file.
enum ChunkVectors {
  // MARK: To the file

  static func vectors(of chunk: SourceChunk) throws -> [ColumnVector] {
    let rows = chunk.extent.rows
    let places = chunk.batchRowNumbers
    var vectors = chunk.batch.columns.map { column in
      ColumnVector(
        values: physical(column.values), indices: spread(column, over: rows, at: places))
    }
    let origins = chunk.origins
    vectors.append(
      ColumnVector(values: .int64((0..<rows).map { Int64(origins.line(ofRow: $0)) })))
    let start = Int64(chunk.extent.start.offset)
    vectors.append(
      ColumnVector(values: .int64(origins.byteOffsets.map { start + Int64($0) })))
    var marks = [UInt32](repeating: ColumnVector.null, count: rows)
    for (index, row) in chunk.malformed.enumerated() { marks[Int(row.row)] = UInt32(index) }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let defects = try chunk.malformed.map {
      String(decoding: try encoder.encode($0.defect), as: UTF8.self)
    }
    vectors.append(ColumnVector(values: .byteArray(ByteStrings(defects)), indices: marks))
    vectors.append(
      ColumnVector(values: .byteArray(strings(chunk.malformed.map(\.raw))), indices: marks))
    return vectors
  }

  /// The column's indices with a gap at every malformed row.
  private static func spread(
    _ column: Column, over rows: Int, at places: [UInt32]?
  ) -> [UInt32]? {
    guard let places else { return column.indices }
    var spread = [UInt32](repeating: ColumnVector.null, count: rows)
    for (row, place) in places.enumerated() {
      spread[Int(place)] = column.indices?[row] ?? UInt32(row)
    }
    return spread
  }

  private static func strings(_ values: [[UInt8]]) -> ByteStrings {
    var slices: [ByteSlice] = []
    var offset: UInt32 = 0
    for value in values {
      slices.append(ByteSlice(offset: offset, length: UInt32(value.count)))
      offset += UInt32(value.count)
    }
    return ByteStrings(storage: ByteStorage(copying: values.flatMap { $0 }), slices: slices)
  }

  static func physical(_ values: ColumnValues) -> PhysicalValues {
    switch values {
    case .text(let values): .byteArray(values)
    case .boolean(let values): .boolean(values)
    case .integer(let values), .date(let values): .int32(values)
    case .bigint(let values), .time(let values), .timestamp(let values): .int64(values)
    case .double(let values): .double(values)
    case .numeric(let values): .fixedLengthByteArray(sixteen(values))
    case .uuid(let values): .fixedLengthByteArray(sixteen(values))
    }
  }

  /// 128-bit numbers as 16 big-endian bytes each.
  private static func sixteen(_ values: [some FixedWidthInteger]) -> ByteStrings {
    let storage = ByteStorage(capacity: values.count * 16) { bytes in
      for (index, value) in values.enumerated() {
        bytes.storeBytes(of: value.bigEndian, toByteOffset: index * 16, as: type(of: value))
      }
      return values.count * 16
    }
    let slices = values.indices.map { ByteSlice(offset: UInt32($0 * 16), length: 16) }
    return ByteStrings(storage: storage, slices: slices)
  }

  // MARK: From the file

  static func chunk(
    _ vectors: [ColumnVector], description: ChunkDescription, path: String
  ) throws -> SourceChunk {
    let rows = description.source.extent.rows
    let count = description.columns.count
    guard vectors.count == count + 4, vectors.allSatisfy({ $0.rowCount == rows }) else {
      throw ChunkFileError.damaged(path: path, detail: "it does not have \(rows) rows a column")
    }
    let lines = try numbers(vectors[count], path: path)
    let offsets = try numbers(vectors[count + 1], path: path)
    let malformed = try malformedRows(vectors[count + 2], vectors[count + 3], path: path)
    let start = Int64(description.source.extent.start.offset)
    var origins = RowOrigins(
      byteOffsets: try offsets.map { try relative($0, to: start, path: path) },
      lineOffsets: try lines.map {
        try relative($0, to: Int64(description.firstRowLine), path: path)
      },
      firstRowLine: description.firstRowLine)
    if origins.lineOffsets.map({ $0.enumerated().allSatisfy { $0.element == $0.offset } }) == true {
      origins.lineOffsets = nil
    }
    var chunk = SourceChunk(
      extent: description.source.extent, contentDigest: description.source.contentDigest,
      batch: try RecordBatch(columns: []), malformed: malformed, origins: origins)
    let keep = keptRows(rows, malformed: malformed)
    chunk.batch = try RecordBatch(
      columns: zip(description.columns, vectors).map { column, vector in
        let whole = Column(
          name: column.name, type: column.type,
          values: try values(vector.values, column: column, path: path), indices: vector.indices)
        return keep.map(whole.selecting(rows:)) ?? whole
      })
    return chunk
  }

  private static func keptRows(_ rows: Int, malformed: [MalformedRow]) -> [UInt32]? {
    guard !malformed.isEmpty else { return nil }
    var next = 0
    return (0..<UInt32(rows)).filter { row in
      guard next < malformed.count, malformed[next].row == row else { return true }
      next += 1
      return false
    }
  }

  private static func malformedRows(
    _ defects: ColumnVector, _ raws: ColumnVector, path: String
  ) throws -> [MalformedRow] {
    guard case .byteArray(let texts) = defects.values, case .byteArray(let bytes) = raws.values
    else { throw ChunkFileError.damaged(path: path, detail: "defects are not text") }
    var rows: [MalformedRow] = []
    for row in 0..<defects.rowCount {
      let defect = defects.indices.map { $0[row] } ?? UInt32(row)
      guard defect != ColumnVector.null else { continue }
      let raw = raws.indices.map { $0[row] } ?? UInt32(row)
      guard raw != ColumnVector.null else {
        throw ChunkFileError.damaged(path: path, detail: "malformed row \(row) has no bytes")
      }
      rows.append(
        MalformedRow(
          row: UInt32(row),
          defect: try JSONDecoder().decode(
            RowDefect.self, from: Data(texts[Int(defect)].utf8)),
          raw: bytes.withBytes(at: Int(raw)) { Array($0) }))
    }
    return rows
  }

  private static func numbers(_ vector: ColumnVector, path: String) throws -> [Int64] {
    guard case .int64(let values) = vector.values else {
      throw ChunkFileError.damaged(path: path, detail: "a position is not a number")
    }
    guard let indices = vector.indices else { return values }
    return try indices.map { index in
      guard index != ColumnVector.null else {
        throw ChunkFileError.damaged(path: path, detail: "a position is missing")
      }
      return values[Int(index)]
    }
  }

  private static func relative(_ value: Int64, to start: Int64, path: String) throws -> UInt32 {
    guard let difference = UInt32(exactly: value &- start) else {
      throw ChunkFileError.damaged(path: path, detail: "position \(value) is outside of the chunk")
    }
    return difference
  }

  static func values(
    _ values: PhysicalValues, column: ChunkColumn, path: String
  ) throws -> ColumnValues {
    switch (values, column.type) {
    case (.byteArray(let values), .text), (.byteArray(let values), .json): return .text(values)
    case (.boolean(let values), .boolean): return .boolean(values)
    case (.int32(let values), .integer): return .integer(values)
    case (.int32(let values), .date): return .date(values)
    case (.int64(let values), .bigint): return .bigint(values)
    case (.int64(let values), .time): return .time(values)
    case (.int64(let values), .timestamp), (.int64(let values), .timestamptz):
      return .timestamp(values)
    case (.double(let values), .double): return .double(values)
    case (.fixedLengthByteArray(let values), .numeric):
      return .numeric(try numbers(values, path: path))
    case (.fixedLengthByteArray(let values), .uuid):
      return .uuid(try numbers(values, path: path))
    default:
      throw ChunkFileError.damaged(
        path: path, detail: "column '\(column.name)' does not hold \(column.type)")
    }
  }

  private static func numbers<Number: FixedWidthInteger>(
    _ strings: ByteStrings, path: String
  ) throws -> [Number] {
    try (0..<strings.count).map { index in
      try strings.withBytes(at: index) { bytes in
        guard bytes.count == 16 else {
          throw ChunkFileError.damaged(path: path, detail: "a number is not 16 bytes long")
        }
        return Number(bigEndian: bytes.loadUnaligned(as: Number.self))
      }
    }
  }
}
