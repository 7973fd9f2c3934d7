/// Reads a Parquet file: its footer at once, its column chunks on demand, by ranges.
///
/// Any bytes are safe to read: they give values or a ``ParquetError``, never a crash. What they can make a
/// reader allocate is bounded by its ``ReaderLimits`` and by limits that are fixed (see <doc:Limits>); a
/// footer takes several times its bytes. A reader may be shared between threads.
public struct FileReader: Sendable {
  /// What the footer says.
  public let metadata: FileMetadata

  let source: ByteSource
  let limits: ReaderLimits

  /// Opens a file and reads its footer.
  ///
  /// - Throws: ``ParquetError`` if it cannot be read or is not a finished, valid Parquet file.
  public init(path: String, limits: ReaderLimits = ReaderLimits()) throws(ParquetError) {
    try self.init(source: .file(OpenFile(path: path)), limits: limits)
  }

  /// Reads the footer of a file in memory.
  ///
  /// - Throws: ``ParquetError`` if it is not a finished, valid Parquet file.
  public init(bytes: ByteStorage, limits: ReaderLimits = ReaderLimits()) throws(ParquetError) {
    try self.init(source: .memory(bytes), limits: limits)
  }

  private init(source: ByteSource, limits: ReaderLimits) throws(ParquetError) {
    if source.count >= Self.leastByteCount { try Self.checkMagic(source, at: 0) }
    let footer = try Self.footerRange(of: source, limits: limits)
    self.init(
      metadata: try Self.readFooter(of: source, at: footer), source: source, limits: limits)
  }

  /// Makes a reader of a file whose footer has been read.
  init(metadata: FileMetadata, source: ByteSource, limits: ReaderLimits) {
    self.metadata = metadata
    self.source = source
    self.limits = limits
  }

  /// Bytes of a file's end that tell where its footer is.
  static let tailByteCount = 4 + fileMagic.count
  private static let leastByteCount = fileMagic.count + tailByteCount

  /// Where the footer is, by the last bytes of the file.
  static func footerRange(
    of source: ByteSource, limits: ReaderLimits
  ) throws(ParquetError) -> Range<Int> {
    let head = fileMagic.count
    let tail = tailByteCount
    guard source.count >= leastByteCount else {
      throw ParquetError(
        .notParquet, expected: "at least \(leastByteCount) bytes", found: "\(source.count)")
    }
    try checkMagic(source, at: source.count - head)
    let length = try withBytes(of: source, at: source.count - tail, count: 4) {
      Int($0.loadUnaligned(as: UInt32.self))
    }
    let most = min(source.count - head - tail, limits.footerByteCount)
    guard length <= most else {
      throw ParquetError(
        length <= limits.footerByteCount ? .notParquet : .limitExceeded,
        expected: "a footer of at most \(most) bytes", found: "\(length)",
        offset: source.count - tail)
    }
    let start = source.count - tail - length
    return start..<start + length
  }

  static func readFooter(
    of source: ByteSource, at range: Range<Int>
  ) throws(ParquetError) -> FileMetadata {
    try withBytes(of: source, at: range.lowerBound, count: range.count) {
      (footer) throws(ParquetError) in
      try FooterReader.read(footer, fileOffset: range.lowerBound)
    }
  }

  static func withBytes<Result>(
    of source: ByteSource, at offset: Int, count: Int,
    _ body: (UnsafeRawBufferPointer) throws(ParquetError) -> Result
  ) throws(ParquetError) -> Result {
    let storage = try ByteStorage(capacity: count) { (target) throws(ParquetError) in
      try source.read(at: offset, into: target)
      return count
    }
    return try withExtendedLifetime(storage) { () throws(ParquetError) in
      try body(storage.bytes)
    }
  }

  private static func checkMagic(_ source: ByteSource, at offset: Int) throws(ParquetError) {
    let found = try withBytes(of: source, at: offset, count: fileMagic.count) { Array($0) }
    guard found == fileMagic else {
      let isEncrypted = found == Array("PARE".utf8)
      throw ParquetError(
        isEncrypted ? .unsupported : .notParquet, expected: "the bytes PAR1",
        found: isEncrypted
          ? "PARE: an encrypted footer"
          : found.map { String($0, radix: 16) }.joined(separator: " "), offset: offset)
    }
  }

  /// Reads one column of a row group.
  ///
  /// A dictionary-coded chunk stays so: `values` are its dictionary (then, if it has some plain pages
  /// too, their values), `indices` its rows. A plain chunk, or one that is plain for the most part,
  /// has no indices unless rows have no value. Byte strings are slices of one block that pages were decompressed into.
  ///
  /// - Parameters:
  ///   - column: Position in the schema.
  ///   - rowGroup: Position in the file.
  ///   - verifyChecksums: Whether to hold pages against their CRC-32, where they have one.
  ///   - scratch: Working memory to use; one call at a time may use it.
  /// - Throws: ``ParquetError`` if the chunk cannot be read, is damaged, or uses a part of the
  ///   format this library does not handle.
  public func readColumn(
    _ column: Int, rowGroup: Int, verifyChecksums: Bool = true,
    scratch: DecoderScratch = DecoderScratch()
  ) throws(ParquetError) -> ColumnVector {
    guard metadata.rowGroups.indices.contains(rowGroup) else {
      throw ParquetError(
        .misuse, expected: "one of \(metadata.rowGroups.count) row groups", found: "\(rowGroup)")
    }
    guard metadata.leaves.indices.contains(column) else {
      throw ParquetError(
        .misuse, expected: "one of \(metadata.leaves.count) columns", found: "\(column)")
    }
    return try read(
      metadata.rowGroups[rowGroup].columns[column], of: column,
      rowCount: metadata.rowGroups[rowGroup].rowCount, from: source,
      uncountedByteCount: metadata.uncountedByteCount, verifyChecksums: verifyChecksums,
      scratch: scratch)
  }

  /// Reads a column chunk, or what of one is at its place in `source`.
  func read(
    _ chunk: ColumnChunkMetadata, of column: Int, rowCount: Int64, from source: ByteSource,
    uncountedByteCount: Int = 0, verifyChecksums: Bool, scratch: DecoderScratch
  ) throws(ParquetError) -> ColumnVector {
    let descriptor = metadata.schema.columns[column]
    do {
      let reader = ColumnChunkReader(
        column: descriptor, leaf: metadata.leaves[column], chunk: chunk, rowCount: rowCount,
        uncountedByteCount: uncountedByteCount, limits: limits,
        verifyChecksums: verifyChecksums, scratch: scratch)
      return try reader.read(from: source)
    } catch {
      throw error.about(column: descriptor.name)
    }
  }
}
