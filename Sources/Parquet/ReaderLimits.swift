/// What a reader accepts at most, so that a small hostile file cannot claim a large memory.
public struct ReaderLimits: Sendable, Hashable {
  /// Bytes of a footer.
  public var footerByteCount: Int
  /// Decompressed bytes of a column chunk; at most 4 GiB.
  public var chunkByteCount: Int
  /// Rows of a row group.
  public var rowCount: Int
  /// Elements that a column's lists have together in a row group.
  public var elementCount: Int

  /// Makes limits; the defaults are far above what writers make.
  public init(
    footerByteCount: Int = 1 << 28, chunkByteCount: Int = 1 << 31, rowCount: Int = 1 << 26,
    elementCount: Int = 1 << 27
  ) {
    self.footerByteCount = footerByteCount
    self.chunkByteCount = min(chunkByteCount, Int(UInt32.max) - PageBytes.slack)
    self.rowCount = min(rowCount, Int(ColumnVector.null) - 1)
    self.elementCount = min(elementCount, Int(ColumnVector.null) - 1)
  }
}
