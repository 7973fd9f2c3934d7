/// Columnar rows in memory: columns of equal length, found by name.
///
/// A value: copies share their storage until one of them is changed.
public struct RecordBatch: Sendable {
  /// The columns, in order.
  public private(set) var columns: [Column]
  /// How many rows every column has.
  public let rowCount: Int

  /// Makes a batch of columns.
  ///
  /// - Throws: ``RecordBatchError`` when two columns share a name or their lengths differ.
  public init(columns: [Column]) throws(RecordBatchError) {
    let rowCount = columns.first?.rowCount ?? 0
    var names = Set<String>()
    for column in columns {
      guard column.rowCount == rowCount else {
        throw .unequalLengths(column: column.name, rows: column.rowCount, expected: rowCount)
      }
      guard names.insert(column.name).inserted else { throw .duplicateColumn(column.name) }
    }
    self.columns = columns
    self.rowCount = rowCount
  }

  /// The column of that name, or nil.
  public func column(named name: String) -> Column? {
    columns.first { $0.name == name }
  }

  /// Puts a column in the place of the one of its name, or behind the others if there is none.
  ///
  /// - Throws: ``RecordBatchError/unequalLengths(column:rows:expected:)`` when its length differs.
  public mutating func replaceColumn(_ column: Column) throws(RecordBatchError) {
    guard column.rowCount == rowCount else {
      throw .unequalLengths(column: column.name, rows: column.rowCount, expected: rowCount)
    }
    if let position = columns.firstIndex(where: { $0.name == column.name }) {
      columns[position] = column
    } else {
      columns.append(column)
    }
  }

  /// The batch with only the rows given, in that order.
  public func selecting(rows: [UInt32]) -> RecordBatch {
    RecordBatch(unchecked: columns.map { $0.selecting(rows: rows) }, rowCount: rows.count)
  }

  private init(unchecked columns: [Column], rowCount: Int) {
    self.columns = columns
    self.rowCount = rowCount
  }
}

/// Why columns do not make a record batch, or a batch not the rows asked for.
public enum RecordBatchError: Error, Equatable, CustomStringConvertible {
  /// A column has more or fewer rows than the first one.
  case unequalLengths(column: String, rows: Int, expected: Int)
  /// Two columns have the same name.
  case duplicateColumn(String)
  /// There is no column of that name; `available` are those there are.
  case unknownColumn(String, available: [String])
  /// A column does not hold the type asked for.
  case typeMismatch(column: String, holds: ColumnType, asked: String)
  /// A row that is being encoded or decoded is not flat, or does not fit the others.
  case unsupportedRow(String)

  /// What is wrong, in a sentence.
  public var description: String {
    switch self {
    case .unequalLengths(let column, let rows, let expected):
      "column '\(column)' has \(rows) rows where the others have \(expected)"
    case .duplicateColumn(let name):
      "two columns are named '\(name)'"
    case .unknownColumn(let name, let available):
      "no column '\(name)'; there are \(available.joined(separator: ", "))"
    case .typeMismatch(let column, let holds, let asked):
      "column '\(column)' holds \(holds), not \(asked)"
    case .unsupportedRow(let message):
      message
    }
  }
}
