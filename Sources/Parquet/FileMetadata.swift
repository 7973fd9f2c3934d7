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
  /// The bounds that old files have instead, found by comparing values as signed ones.
  var legacyMinValue: [UInt8]?
  var legacyMaxValue: [UInt8]?

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
  /// Where its page index is, if it has one.
  var offsetIndex: FilePart?
  var columnIndex: FilePart?
  /// Where its bloom filter is, if it has one; of 0 bytes where the file does not say how many.
  var bloomFilter: FilePart?
  /// What a writer keeps for the end of the row group or of the file.
  var writtenPages: PageIndex?
  var writtenFilter: BloomFilter?

  /// Whether the file has the places of the chunk's pages, and so lets rows be read without others.
  public var hasPageIndex: Bool { offsetIndex != nil }
  /// Whether the file has a bloom filter of the chunk's values.
  public var hasBloomFilter: Bool { bloomFilter != nil }

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
  /// The columns. One inside groups is named by its path, joined with dots; the groups that a LIST or
  /// a MAP only consists of are left out, so that the elements of a list `tags` are the column `tags`.
  /// A list within a list keeps its whole path, and cannot be read.
  public var schema: FileSchema
  /// The row groups, in file order.
  public var rowGroups: [RowGroupMetadata]
  /// Metadata of the file, in file order. A missing value is given as empty.
  public var keyValues: [(key: String, value: String)]
  /// Who wrote the file, if stated.
  public var createdBy: String?
  /// Where each column is in the schema's tree.
  var leaves: [SchemaLeaf]
  /// How the bounds of each column were found; empty if the file does not say.
  var columnOrders: [ColumnOrder] = []

  /// The value of the first metadata entry called `key`.
  public func value(forKey key: String) -> String? {
    keyValues.first { $0.key == key }?.value
  }
}

/// How a writer compared values to find bounds: `ColumnOrder` of the Parquet format.
enum ColumnOrder: Int16 {
  /// As the column's type says.
  case typeDefined = 1
  /// Floating-point numbers by IEEE 754's totalOrder; bounds are NaN only if all values are.
  case ieee754Total = 2
  /// INT96 as timestamps.
  case int96Timestamp = 3
  /// In a way this library does not know: bounds say nothing.
  case unknown = 0
}

/// Where a column is in the tree of a schema, and how its levels count.
struct SchemaLeaf: Sendable {
  /// Names from the root, which itself is left out.
  var path: [String]
  /// The definition level of a row that has a value; 0 if every row must have one.
  var maxDefinitionLevel: Int
  /// How many repeated fields the column is inside of, itself counted: 1 for lists of values.
  var maxRepetitionLevel: Int
  /// The definition level from which on there is an element of the outermost list; the one below it
  /// is that of an empty list. 0 unless the column is of lists.
  var elementDefinitionLevel = 0
}
