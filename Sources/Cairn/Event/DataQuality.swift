/// How good a batch of rows is: which values are missing, and which lie far from the others.
///
/// Batches add up. An outlier is a number more than three standard deviations from the mean of its
/// column within its batch; columns with fewer than 30 numbers are not judged.
public struct DataQuality: Sendable, Hashable {
  /// How many rows were looked at.
  public private(set) var rows = 0
  /// What was found, column by column.
  public private(set) var columns: [ColumnQuality] = []

  /// What was found in a column.
  public struct ColumnQuality: Sendable, Hashable {
    /// The column.
    public var name: String
    /// How many rows were looked at.
    public var rows: Int
    /// How many of them have no value.
    public var missing: Int
    /// How many numbers lie far from the others.
    public var outliers: Int

    /// The share of rows without a value, 0…1.
    public var missingRate: Double { rows == 0 ? 0 : Double(missing) / Double(rows) }
  }

  /// Of no rows.
  public init() {}

  /// Looks at a batch.
  public init(_ batch: RecordBatch) {
    rows = batch.rowCount
    columns = batch.columns.map { column in
      ColumnQuality(
        name: column.name, rows: column.rowCount, missing: Self.missing(in: column),
        outliers: Self.outliers(in: column))
    }
  }

  /// Adds what was found in another batch.
  public static func += (total: inout DataQuality, other: DataQuality) {
    total.rows += other.rows
    // Batches of one run have the same columns in the same order.
    if total.columns.count == other.columns.count {
      for index in total.columns.indices
      where total.columns[index].name == other.columns[index].name {
        total.columns[index].rows += other.columns[index].rows
        total.columns[index].missing += other.columns[index].missing
        total.columns[index].outliers += other.columns[index].outliers
      }
    } else if total.columns.isEmpty {
      total.columns = other.columns
    }
  }

  /// The share of values that are missing, over all columns, 0…1.
  public var missingRate: Double {
    let values = columns.reduce(0) { $0 + $1.rows }
    return values == 0 ? 0 : Double(columns.reduce(0) { $0 + $1.missing }) / Double(values)
  }

  /// How many numbers lie far from the others, over all columns.
  public var outliers: Int { columns.reduce(0) { $0 + $1.outliers } }

  /// As a `data_quality_check` event has it: `rows`, `missing_rate`, `outliers`, and `columns` with
  /// those of which there is something to say.
  public var metadata: EventMetadata {
    let notable = columns.filter { $0.missing > 0 || $0.outliers > 0 }
    return [
      "rows": EventValue(rows), "missing_rate": EventValue(missingRate),
      "outliers": EventValue(outliers),
      "columns": .object(
        EventMetadata(
          notable.map { column in
            (
              column.name,
              [
                "missing_rate": EventValue(column.missingRate),
                "outliers": EventValue(column.outliers),
              ]
            )
          })),
    ]
  }

  // MARK: Columns

  private static func missing(in column: Column) -> Int {
    guard let indices = column.indices else { return 0 }
    var missing = 0
    for index in indices { missing &+= index == Column.null ? 1 : 0 }
    return missing
  }

  /// The fewest numbers of which a deviation says something.
  private static let fewest = 30
  private static let deviations = 3.0

  private static func outliers(in column: Column) -> Int {
    guard let numbers = numbers(column.values), !numbers.isEmpty else { return 0 }
    // How often each distinct number appears.
    var counts: [Int]
    if let indices = column.indices {
      counts = [Int](repeating: 0, count: numbers.count)
      for index in indices where index != Column.null { counts[Int(index)] &+= 1 }
    } else {
      counts = [Int](repeating: 1, count: numbers.count)
    }
    var total = 0.0
    var sum = 0.0
    for (number, count) in zip(numbers, counts) where number.isFinite {
      total += Double(count)
      sum += number * Double(count)
    }
    guard total >= Double(fewest) else { return 0 }
    let mean = sum / total
    var squares = 0.0
    for (number, count) in zip(numbers, counts) where number.isFinite {
      squares += (number - mean) * (number - mean) * Double(count)
    }
    let limit = deviations * (squares / (total - 1)).squareRoot()
    guard limit > 0, limit.isFinite else { return 0 }
    var found = 0
    for (number, count) in zip(numbers, counts) where number.isFinite {
      if abs(number - mean) > limit { found += count }
    }
    return found
  }

  /// The distinct numbers of a column; nil when it has none.
  private static func numbers(_ values: ColumnValues) -> [Double]? {
    switch values {
    case .integer(let values): values.map { Double($0) }
    case .bigint(let values): values.map { Double($0) }
    case .double(let values): values
    // The scale is the same for all, and moves mean and deviation alike.
    case .numeric(let values): values.map(number)
    case .text, .boolean, .date, .time, .timestamp, .uuid: nil
    }
  }

  /// Converting 128 bits is slow, and few numbers need them.
  private static func number(_ unscaled: Int128) -> Double {
    Int64(exactly: unscaled).map { Double($0) } ?? Double(unscaled)
  }
}
