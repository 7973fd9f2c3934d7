/// Where the data pages of a column chunk are and what is known of each: `OffsetIndex` and, if the file
/// has it, `ColumnIndex` of the Parquet format (PageIndex.md).
public struct PageIndex: Sendable, Hashable {
  /// A data page.
  public struct Page: Sendable, Hashable {
    /// Its rows, counted from the start of the row group.
    public var rows: Range<Int>
    /// Where in the file its header is.
    public var offset: Int64
    /// Its bytes in the file, header included.
    public var byteCount: Int
    /// Bounds and counts of its values; nil when the file has no `ColumnIndex` for the chunk.
    public var statistics: ColumnStatistics?
    /// Whether it is written as one without values.
    var isEmpty = false
  }

  /// The data pages, in file order; their rows follow each other.
  public var pages: [Page]

  /// Moves all pages in the file.
  mutating func shift(by offset: Int64) {
    for page in pages.indices { pages[page].offset += offset }
  }
}

/// A piece of a file that the footer points at.
struct FilePart: Sendable, Hashable {
  var offset: Int64
  var byteCount: Int

  /// Its bytes' places, or an error if it is not inside a file of `fileByteCount` bytes.
  func range(
    in fileByteCount: Int, _ what: String
  ) throws(ParquetError) -> Range<Int> {
    guard byteCount > 0, offset >= Int64(fileMagic.count),
      offset <= Int64(fileByteCount), Int64(byteCount) <= Int64(fileByteCount) - offset
    else {
      throw ParquetError(
        .malformed, expected: "\(what) within the file's \(fileByteCount) bytes",
        found: "\(byteCount) bytes from \(offset) on")
    }
    return Int(offset)..<Int(offset) + byteCount
  }
}
