/// Writes Swift values as the rows of a Parquet file, one at a time.
///
/// ```swift
/// var writer = try RowWriter(to: FileOutput(path: "prices.parquet"), of: Price.self)
/// try writer.write(Price(id: 1, symbol: "EURUSD", bid: 1.0842))
/// try writer.finish()
/// ```
///
/// A row's type gives a column for each property, named by its coding key: Bool BOOLEAN; integers
/// INT32 or INT64 of their width and sign (128 bits: a decimal of 38 digits); Float FLOAT; Double
/// DOUBLE; String text; `[UInt8]` and Data bytes; Date a timestamp in microseconds and UTC; UUID a
/// UUID; Decimal a decimal of 38 digits with 9 behind the point; URL its text; enums and other types of
/// a single value the column of that value; arrays and sets of them lists. An optional is an optional
/// column. Structs inside a row are refused, as are lists of lists.
///
/// Columns are worked out from the first rows, as many as the first row group has: those of a type with
/// a synthesized `encode(to:)` from the first row alone. Give ``FileSchema`` instead to have other
/// types (a decimal's digits, a timestamp's unit, optional for required), or single columns. Values go
/// into any column that holds them exactly; all others are refused with row, column, what was expected
/// and what was found.
///
/// Memory stays at a row group. What was written before an error is never a file that a reader takes
/// for finished; the writer refuses everything after one.
public struct RowWriter<Row: Encodable, Output: ByteOutput>: ~Copyable {
  private let rowGroupRows: Int
  private let rowGroupBytes: Int
  private let options: WriterOptions
  private let threads: Int
  private let encoder: RowEncoder
  private let output: Output
  private var writer: FileWriter<Output>?
  private var state = WriterState.open
  private var untilCheck = 0

  /// Starts a file.
  ///
  /// - Parameters:
  ///   - output: Takes the file's bytes.
  ///   - type: The type of a row.
  ///   - schema: All columns, in order; nil to work them out from the first rows.
  ///   - columns: Single columns to have instead of those worked out, by name; only without `schema`.
  ///   - options: Layout and compression.
  ///   - rowGroupRows: The most rows of a row group.
  ///   - rowGroupBytes: About the most bytes of a row group before it is encoded.
  ///   - threads: How many threads encode a row group's columns. The calling thread is one of them
  ///     and waits for the others.
  /// - Throws: ``ParquetError`` if schema or options make no sense.
  public init(
    to output: Output, of type: Row.Type = Row.self, schema: FileSchema? = nil,
    columns: [ColumnDescriptor] = [], options: WriterOptions = WriterOptions(),
    rowGroupRows: Int = 1 << 20, rowGroupBytes: Int = 128 << 20, threads: Int = 1
  ) throws {
    self.output = output
    self.options = options
    self.rowGroupRows = max(rowGroupRows, 1)
    self.rowGroupBytes = rowGroupBytes
    self.threads = threads
    encoder = RowEncoder(schema: schema, given: columns)
    if let schema { writer = try FileWriter(output: output, schema: schema, options: options) }
  }

  /// Writes one row.
  ///
  /// - Throws: ``ParquetError`` if the row does not fit its columns, or what the output throws.
  public mutating func write(_ row: Row) throws {
    try state.begin()
    do {
      try encoder.encode(row)
      if untilCheck == 0 {
        try cut()
      } else {
        untilCheck -= 1
      }
    } catch {
      throw located(error)
    }
    state = .open
  }

  /// Writes rows.
  ///
  /// - Throws: As ``write(_:)`` does.
  public mutating func write(contentsOf rows: some Sequence<Row>) throws {
    for row in rows { try write(row) }
  }

  /// Writes the last rows and the footer, and flushes the output.
  ///
  /// - Parameter keyValues: Metadata of the file, in this order.
  /// - Throws: ``ParquetError`` of kind `invalidSchema` if no row has said what the columns are, and
  ///   what the output throws.
  @discardableResult
  public mutating func finish(keyValues: [(String, String)] = []) throws -> FileSummary {
    try state.begin()
    if writer == nil || encoder.rowCount > 0 { try writeRowGroup() }
    guard let summary = try writer?.finish(keyValues: keyValues) else {
      throw ParquetError(.misuse, expected: "a writer that is open", found: "none")
    }
    state = .finished
    return summary
  }

  /// Writes a row group if there are rows enough; else says how many may come before it is looked at
  /// again, since counting bytes takes longer than a row.
  private mutating func cut() throws {
    let rows = encoder.rowCount
    let bytes = encoder.byteCount
    if rows >= rowGroupRows || bytes >= rowGroupBytes {
      try writeRowGroup()
      untilCheck = min(rows, rowGroupRows) / 64
    } else {
      // A 64th of what is left, if rows stay as large as they were.
      let left = (rowGroupBytes - bytes) / max(bytes / rows, 1)
      untilCheck = max(0, min(left / 64, rowGroupRows - rows - 1))
    }
  }

  private mutating func writeRowGroup() throws {
    if writer == nil {
      writer = try FileWriter(output: output, schema: try encoder.fixSchema(), options: options)
    }
    try writer?.writeRowGroup(encoder.vectors(), threads: threads)
    encoder.removeAll()
  }

  /// What a type's own `encode(to:)` found wrong, as this library says it.
  private func located(_ error: any Error) -> any Error {
    guard let error = error as? EncodingError, case .invalidValue(_, let context) = error else {
      return error
    }
    return ParquetError(
      .rowMismatch, expected: "a value that its type encodes", found: context.debugDescription,
      column: context.codingPath.last?.stringValue)
  }
}
