/// A value that is rows in columns: a stage saves it as Parquet. `RecordBatch` is one; types of a
/// program's own that hold such rows may conform.
public protocol ColumnarValue: Sendable {
  /// Makes the value of rows that ``recordBatch()`` gave.
  init(recordBatch: RecordBatch) throws

  /// The rows.
  func recordBatch() throws -> RecordBatch
}

extension RecordBatch: ColumnarValue {
  /// The rows themselves.
  public init(recordBatch: RecordBatch) { self = recordBatch }

  /// The rows themselves.
  public func recordBatch() -> RecordBatch { self }
}
