/// A column: values, or lists of values.
public struct ColumnDescriptor: Sendable, Hashable {
  /// The column's name.
  public var name: String
  /// How its values are stored.
  public var physicalType: PhysicalType
  /// What they mean; nil for the bare physical type.
  public var logicalType: LogicalType?
  /// Whether a row, or in a list column an element, may have no value (OPTIONAL instead of REQUIRED).
  public var isOptional: Bool
  /// Length in bytes of every value of a FIXED_LEN_BYTE_ARRAY; nil for the other types.
  public var fixedLength: Int?
  /// Set when each row has a list of values instead of one.
  public var list: ListShape?

  /// Makes a column from its parts.
  public init(
    name: String, physicalType: PhysicalType, logicalType: LogicalType? = nil,
    isOptional: Bool = true, fixedLength: Int? = nil, list: ListShape? = nil
  ) {
    self.name = name
    self.physicalType = physicalType
    self.logicalType = logicalType
    self.isOptional = isOptional
    self.fixedLength = fixedLength
    self.list = list
  }

  /// A column of UTF-8 text.
  public static func string(_ name: String, isOptional: Bool = true) -> ColumnDescriptor {
    ColumnDescriptor(
      name: name, physicalType: .byteArray, logicalType: .string, isOptional: isOptional)
  }
}

/// The columns of a Parquet file, in file order.
public struct FileSchema: Sendable, Hashable {
  /// The columns.
  public var columns: [ColumnDescriptor]

  /// Makes a schema of these columns.
  public init(columns: [ColumnDescriptor]) {
    self.columns = columns
  }

  /// Throws unless a file with this schema would be valid.
  func validate() throws(ParquetError) {
    var names: Set<String> = []
    if columns.isEmpty {
      throw ParquetError(.invalidSchema, expected: "at least one column", found: "none")
    }
    for column in columns {
      if !names.insert(column.name).inserted {
        throw ParquetError(
          .invalidSchema, expected: "every column name once", found: "it twice",
          column: column.name)
      }
      if column.physicalType == .int96 {
        throw ParquetError(
          .unsupported, expected: "a type that is written (not the legacy INT96)",
          found: "INT96", column: column.name)
      }
      if column.physicalType == .fixedLengthByteArray {
        guard let length = column.fixedLength, (1...(1 << 20)).contains(length) else {
          throw ParquetError(
            .invalidSchema, expected: "a fixed length of 1 to 1048576 bytes",
            found: column.fixedLength.map { "\($0)" } ?? "none", column: column.name)
        }
      } else if let length = column.fixedLength {
        throw ParquetError(
          .invalidSchema, expected: "no fixed length for \(column.physicalType)",
          found: "\(length)", column: column.name)
      }
      if let logical = column.logicalType,
        !logical.fits(column.physicalType, length: column.fixedLength)
      {
        throw ParquetError(
          .invalidSchema, expected: "a logical type that \(column.physicalType) can hold",
          found: "\(logical)", column: column.name)
      }
    }
  }

  /// How many rows `columns` have.
  ///
  /// - Throws: ``ParquetError`` unless there is one for each of the schema, all of as many rows.
  func rowCount(of vectors: [ColumnVector]) throws(ParquetError) -> Int {
    guard vectors.count == columns.count else {
      throw ParquetError(
        .invalidValues, expected: "\(columns.count) columns", found: "\(vectors.count)")
    }
    let rows = vectors[0].rowCount
    for (column, vector) in zip(columns, vectors) where vector.rowCount != rows {
      throw ParquetError(
        .invalidValues, expected: "\(rows) rows, as in column \"\(columns[0].name)\"",
        found: "\(vector.rowCount)", column: column.name)
    }
    return rows
  }
}
