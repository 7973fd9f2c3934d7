/// When a ``BufferedFileWriter`` ends a row group and starts the next.
public struct RowGroupLimits: Sendable, Hashable {
  /// The most rows of a row group.
  public var rowCount: Int
  /// The most bytes of a row group's values in memory, before they are encoded; one row may have
  /// more.
  public var byteCount: Int

  /// Makes limits; the defaults suit files that several readers share out among themselves.
  public init(rowCount: Int = 1 << 20, byteCount: Int = 128 << 20) {
    self.rowCount = rowCount
    self.byteCount = byteCount
  }
}

/// Writes a Parquet file from batches of rows of any size, which it collects into row groups.
///
/// Memory stays at one row group (see ``RowGroupLimits``) and what a ``FileWriter`` needs, however
/// many rows there are. Until ``finish(keyValues:)`` has returned there is no footer, so no reader
/// takes the file for a finished one; after an error the writer refuses everything else, so that it
/// never gets one.
///
/// Every row group has the same number of rows, the last one aside, whatever the batches are, unless
/// the limit of bytes is reached first.
public struct BufferedFileWriter<Output: ByteOutput>: ~Copyable {
  private var file: FileWriter<Output>
  private let limits: RowGroupLimits
  private let threads: Int
  private let buffers: [ColumnBuffer]
  private var state = WriterState.open

  /// Rows that wait for their row group to be written.
  public private(set) var bufferedRowCount = 0

  /// Starts a file.
  ///
  /// - Parameters:
  ///   - output: Takes the file's bytes.
  ///   - schema: The columns.
  ///   - options: Layout and compression.
  ///   - limits: When to end a row group.
  ///   - threads: How many threads encode a row group's columns. The calling thread is one of them
  ///     and waits for the others. With more than one, memory holds the encoded row group as well.
  ///   - scratch: Working memory to use; one writer at a time may use it.
  /// - Throws: ``ParquetError`` of kind `invalidSchema` if schema, options or limits make no sense.
  public init(
    output: Output, schema: FileSchema, options: WriterOptions = WriterOptions(),
    limits: RowGroupLimits = RowGroupLimits(), threads: Int = 1,
    scratch: EncoderScratch = EncoderScratch()
  ) throws {
    guard (1...Self.most).contains(limits.rowCount) else {
      throw ParquetError(
        .invalidSchema, expected: "row groups of 1 to \(Self.most) rows",
        found: "\(limits.rowCount)")
    }
    guard (1...Self.most).contains(limits.byteCount) else {
      throw ParquetError(
        .invalidSchema, expected: "row groups of 1 to \(Self.most) bytes",
        found: "\(limits.byteCount)")
    }
    file = try FileWriter(output: output, schema: schema, options: options, scratch: scratch)
    self.limits = limits
    self.threads = threads
    buffers = schema.columns.map { ColumnBuffer($0) }
  }

  /// So many that offsets of 32 bits, and one row more than the limit, are enough.
  private static var most: Int { 1 << 31 }

  /// The schema of the file.
  public var schema: FileSchema { file.schema }
  /// The options it is written with.
  public var options: WriterOptions { file.options }
  /// Where the bytes go.
  public var output: Output { file.output }
  /// Bytes written so far: those of finished row groups.
  public var byteCount: Int64 { file.byteCount }
  /// Rows taken so far, whether they are written yet or not.
  public var rowCount: Int64 { file.rowCount + Int64(bufferedRowCount) }
  /// Bytes of the rows that wait for their row group to be written.
  public var bufferedByteCount: Int { buffers.reduce(0) { $0 + $1.byteCount } }

  /// Takes rows, and writes each row group that they fill.
  ///
  /// - Parameter columns: The columns in schema order, all of the same number of rows.
  /// - Throws: ``ParquetError`` if they do not fit the schema, or what the output throws. The writer
  ///   cannot be used any more then.
  public mutating func append(_ columns: [ColumnVector]) throws {
    try state.begin()
    let rowCount = try file.schema.rowCount(of: columns)
    for (column, vector) in zip(file.schema.columns, columns) {
      do throws(ParquetError) {
        try vector.check(as: column)
      } catch {
        throw error.about(column: column.name)
      }
    }
    var row = 0
    while row < rowCount {
      if row == 0, bufferedRowCount == 0, rowCount == limits.rowCount,
        Self.mostBytes(of: columns, rows: 0..<rowCount) <= limits.byteCount
      {
        try file.writeRowGroup(columns, threads: threads)  // a row group as it is: nothing to copy
        break
      }
      row = try append(columns, from: row, rowCount: rowCount)
    }
    state = .open
  }

  /// Takes as many rows from `start` on as still fit in the row group, and writes it if it is full.
  ///
  /// - Returns: The row after them.
  private mutating func append(
    _ columns: [ColumnVector], from start: Int, rowCount: Int
  ) throws -> Int {
    var count = min(rowCount - start, limits.rowCount - bufferedRowCount, Self.mostRowsAtOnce)
    let room = limits.byteCount - bufferedByteCount
    while count > 0, Self.mostBytes(of: columns, rows: start..<start + count) > room {
      count /= 2
    }
    if count == 0, bufferedRowCount == 0 { count = 1 }
    for (buffer, vector) in zip(buffers, columns) {
      buffer.append(vector, rows: start..<start + count)
    }
    bufferedRowCount += count
    if count == 0 || bufferedRowCount == limits.rowCount { try writeBuffered() }
    return start + count
  }

  /// Few, so that measuring them again and again close to a limit costs little.
  private static var mostRowsAtOnce: Int { 1 << 14 }

  private static func mostBytes(of columns: [ColumnVector], rows: Range<Int>) -> Int {
    columns.reduce(0) { $0 + ColumnBuffer.mostBytes(of: $1, rows: rows) }
  }

  private mutating func writeBuffered() throws {
    guard bufferedRowCount > 0 else { return }
    bufferedRowCount = 0
    try file.writeRowGroup(buffers.map { $0.finish() }, threads: threads)
  }

  /// Ends the row group here: rows taken so far are written, and the next ones start another.
  ///
  /// - Throws: ``ParquetError`` if values do not fit the schema, or what the output throws. The
  ///   writer cannot be used any more then.
  public mutating func endRowGroup() throws {
    try state.begin()
    try writeBuffered()
    state = .open
  }

  /// Writes the rows left and the footer, and flushes the output. The file is complete then; making
  /// it durable is the caller's.
  ///
  /// - Parameter keyValues: Metadata of the file, in this order.
  /// - Throws: What the output throws, or ``ParquetError`` of kind `misuse` after an error or a
  ///   second time.
  public mutating func finish(keyValues: [(String, String)] = []) throws -> FileSummary {
    try state.begin()
    try writeBuffered()
    let summary = try file.finish(keyValues: keyValues)
    state = .finished
    return summary
  }
}
