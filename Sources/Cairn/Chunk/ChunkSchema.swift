import Parquet

/// The columns of a chunk file: the source's, then four of Cairn's own.
///
/// Every source row is a row of the file. A malformed one has no values in the source's columns; its
/// bytes are in `_cairn_raw` and what is wrong with it in `_cairn_defect`.
enum ChunkSchema {
  static let reservedPrefix = "_cairn_"
  /// Line number of the row.
  static let line = "_cairn_line"
  /// Offset of its first byte in the decompressed source.
  static let offset = "_cairn_offset"
  /// What is wrong with a malformed row: a ``RowDefect`` as JSON.
  static let defect = "_cairn_defect"
  /// The bytes of a malformed row.
  static let raw = "_cairn_raw"

  static func of(_ columns: [ChunkColumn]) throws -> FileSchema {
    if let reserved = columns.first(where: { $0.name.hasPrefix(reservedPrefix) }) {
      throw ChunkFileError.reservedName(reserved.name)
    }
    return FileSchema(
      columns: columns.map(descriptor) + [
        ColumnDescriptor(name: line, physicalType: .int64, isOptional: false),
        ColumnDescriptor(name: offset, physicalType: .int64, isOptional: false),
        ColumnDescriptor(name: defect, physicalType: .byteArray, logicalType: .string),
        ColumnDescriptor(name: raw, physicalType: .byteArray),
      ])
  }

  static func descriptor(_ column: ChunkColumn) -> ColumnDescriptor {
    let name = column.name
    switch column.type {
    case .text:
      return .string(name)
    case .json:
      return ColumnDescriptor(name: name, physicalType: .byteArray, logicalType: .json)
    case .boolean:
      return ColumnDescriptor(name: name, physicalType: .boolean)
    case .integer:
      return ColumnDescriptor(name: name, physicalType: .int32)
    case .bigint:
      return ColumnDescriptor(name: name, physicalType: .int64)
    case .double:
      return ColumnDescriptor(name: name, physicalType: .double)
    case .numeric(let precision, let scale):
      return ColumnDescriptor(
        name: name, physicalType: .fixedLengthByteArray,
        logicalType: .decimal(precision: precision, scale: scale), fixedLength: 16)
    case .date:
      return ColumnDescriptor(name: name, physicalType: .int32, logicalType: .date)
    case .time:
      return ColumnDescriptor(
        name: name, physicalType: .int64,
        logicalType: .time(unit: .microseconds, isAdjustedToUTC: false))
    case .timestamp, .timestamptz:
      return ColumnDescriptor(
        name: name, physicalType: .int64,
        logicalType: .timestamp(
          unit: .microseconds, isAdjustedToUTC: column.type == .timestamptz))
    case .uuid:
      return ColumnDescriptor(
        name: name, physicalType: .fixedLengthByteArray, logicalType: .uuid, fixedLength: 16)
    }
  }
}
