internal import Parquet

/// The builders of a chunk's columns.
struct ColumnBuilders: ~Copyable {
  private let builders: UnsafeMutableBufferPointer<ColumnBuilder>
  private let masks = WordMasks()
  /// Room for the rows of a field table.
  private let hashed: UnsafeMutablePointer<HashedField>

  /// - Parameters:
  ///   - count: How many columns there are.
  ///   - rows: The most rows that are added at once.
  init(count: Int, rows: Int) {
    hashed = .allocate(capacity: rows)
    builders = .allocate(capacity: count)
    for index in 0..<count { builders.initializeElement(at: index, to: ColumnBuilder()) }
  }

  deinit {
    builders.deinitialize()
    builders.deallocate()
    hashed.deallocate()
  }

  /// Makes room for a chunk of `rows` rows.
  mutating func begin(rows: Int) {
    for index in builders.indices { builders[index].begin(rows: rows) }
  }

  /// Adds every field of `fields`, column by column.
  mutating func append(
    _ fields: borrowing FieldTable, of text: UnsafeRawPointer, delimiterLength: Int
  ) {
    for index in builders.indices {
      builders[index].append(
        fields, column: index, of: text, delimiterLength: delimiterLength, masks: masks,
        hashed: hashed)
    }
  }

  /// A column's values, and for each row which it holds; nil when row `i` holds value `i`.
  mutating func finish(column: Int) -> (slices: [ByteSlice], indices: [UInt32]?) {
    builders[column].finish()
  }
}
