/// Bounds and counts of a column chunk's values: `Statistics` of the Parquet format.
public struct ColumnStatistics: Sendable, Hashable {
  /// A lower bound, PLAIN-encoded (byte arrays without length prefix).
  public var minValue: [UInt8]?
  /// An upper bound, PLAIN-encoded (byte arrays without length prefix).
  public var maxValue: [UInt8]?
  /// Whether the lower bound is one of the values; nil when the file does not say.
  public var isMinValueExact: Bool?
  /// Whether the upper bound is one of the values; nil when the file does not say.
  public var isMaxValueExact: Bool?
  /// How many levels have no value: rows without one, and in a column of lists null elements, empty
  /// lists and rows without a list.
  public var nullCount: Int64?
  /// How many different values there are.
  public var distinctCount: Int64?
  /// How many values are NaN; floating-point numbers only. NaN is left out of the bounds.
  public var nanCount: Int64?

  /// Makes statistics that say nothing yet.
  public init() {}
}

/// A column chunk as the footer describes it: `ColumnMetaData` of the Parquet format.
public struct ColumnChunkMetadata: Sendable, Hashable {
  /// Physical type of the values.
  public var physicalType: PhysicalType
  /// Names from the root of the schema to the column.
  public var path: [String]
  /// Every encoding its pages and levels use, in the order stated.
  public var encodings: [Encoding]
  /// How its pages are compressed.
  public var codec: CompressionCodec
  /// Values, nulls included.
  public var valueCount: Int64
  /// Bytes of all pages with their headers, before compression.
  public var uncompressedByteCount: Int64
  /// Bytes of all pages with their headers, as they are in the file.
  public var compressedByteCount: Int64
  /// Where in the file its first data page is.
  public var dataPageOffset: Int64
  /// Where in the file its dictionary page is, if it has one.
  public var dictionaryPageOffset: Int64?
  /// Bounds and counts, if stated.
  public var statistics: ColumnStatistics?
  /// Number of data pages per encoding, as a writer counted them.
  var dataPageCount = 0
  /// The layout of its data pages, as a writer chose it.
  var dataPageVersion = DataPageVersion.v1

  /// Where in the file the chunk starts.
  public var startOffset: Int64 {
    if let dictionaryPageOffset, dictionaryPageOffset > 0, dictionaryPageOffset < dataPageOffset {
      dictionaryPageOffset
    } else {
      dataPageOffset
    }
  }
}

/// A row group as the footer describes it.
public struct RowGroupMetadata: Sendable, Hashable {
  /// How many rows it has.
  public var rowCount: Int64
  /// Its column chunks, in schema order.
  public var columns: [ColumnChunkMetadata]
}

/// What a file's footer says.
public struct FileMetadata: Sendable {
  /// Rows of all row groups.
  public var rowCount: Int64
  /// The columns. One inside groups is named by its path, joined with dots.
  public var schema: FileSchema
  /// The row groups, in file order.
  public var rowGroups: [RowGroupMetadata]
  /// Metadata of the file, in file order. A missing value is given as empty.
  public var keyValues: [(key: String, value: String)]
  /// Who wrote the file, if stated.
  public var createdBy: String?
  /// Where each column is in the schema's tree.
  var leaves: [SchemaLeaf]

  /// The value of the first metadata entry called `key`.
  public func value(forKey key: String) -> String? {
    keyValues.first { $0.key == key }?.value
  }
}

/// Where a column is in the tree of a schema, and how its levels count.
struct SchemaLeaf: Sendable {
  /// Names from the root, which itself is left out.
  var path: [String]
  /// The definition level of a row that has a value; 0 if every row must have one.
  var maxDefinitionLevel: Int
  /// 0 unless the column is, or is inside, a repeated field.
  var maxRepetitionLevel: Int
}
