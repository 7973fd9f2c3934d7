extension FileReader {
  /// The file's rows as Swift values, each property from the column of its coding key's name.
  ///
  /// Only columns that the type asks for are read, a row group at a time.
  ///
  /// ```swift
  /// for row in reader.rows(as: Price.self) {
  ///   let price = try row.get()
  /// }
  /// let prices = try reader.rows(as: Price.self).all()
  /// ```
  ///
  /// A value is taken where it is exact in the property's type: any integer or decimal column for
  /// integers (timestamps, dates and times as their stored numbers), numbers for `Float` and `Double`,
  /// byte arrays of UTF-8 for `String`, timestamps, INT96 and dates for `Date`, decimals and integers
  /// for `Decimal`, UUIDs or text for `UUID`, bytes that are no decimals for `[UInt8]` and `Data`, text
  /// for `URL`; enums and other types of a single value like that value. An array is read from a list
  /// column. A property that is a struct is read from the columns `property.name`; if it is optional,
  /// it is nil when none of them has a value. An optional property is nil where a row has no value or
  /// the file no such column.
  ///
  /// - Parameters:
  ///   - type: The type of a row.
  ///   - rowGroups: Which row groups to read, by position; nil for all.
  ///   - verifyChecksums: Whether to hold pages against their CRC-32, where they have one.
  public func rows<Row: Decodable>(
    as type: Row.Type = Row.self, rowGroups: Range<Int>? = nil, verifyChecksums: Bool = true
  ) -> RowReader<Row> {
    RowReader(
      reader: self, rowGroups: rowGroups ?? 0..<metadata.rowGroups.count, planner: nil,
      options: RowReadOptions(verifiesChecksums: verifyChecksums))
  }

  /// The rows for which `predicate` is true, as Swift values. See
  /// ``rows(as:rowGroups:verifyChecksums:)`` for how, ``rows(where:columns:rowGroups:options:scratch:)``
  /// for what is passed over.
  ///
  /// ```swift
  /// let dear = try reader.rows(as: Price.self, where: column("bid") >= 100).all()
  /// ```
  ///
  /// - Parameters:
  ///   - type: The type of a row.
  ///   - predicate: Which rows; it may test columns that the type does not ask for.
  ///   - rowGroups: Which row groups to look into, by position; nil for all.
  ///   - options: What to use for skipping, and whether to hold pages against their CRC-32.
  /// - Throws: ``ParquetError`` of kind `misuse` if predicate or row groups do not fit the file.
  public func rows<Row: Decodable>(
    as type: Row.Type, where predicate: RowPredicate, rowGroups: Range<Int>? = nil,
    options: RowReadOptions = RowReadOptions()
  ) throws(ParquetError) -> RowReader<Row> {
    // Which columns the type asks for is known once a row is decoded: none are planned for.
    let planner = try ReadPlanner(
      metadata, where: predicate, columns: [], rowGroups: rowGroups.map(Array.init),
      options: options)
    return RowReader(
      reader: self, rowGroups: rowGroups ?? 0..<metadata.rowGroups.count, planner: planner,
      options: options)
  }
}

/// The rows of a file, decoded one at a time; made by ``FileReader/rows(as:rowGroups:verifyChecksums:)``
/// and ``FileReader/rows(as:where:rowGroups:options:)``.
///
/// A row that cannot be decoded gives a ``ParquetError`` with its number, its column, what was expected
/// and what was found, and ends the sequence.
public struct RowReader<Row: Decodable>: Sequence {
  private let reader: FileReader
  private let rowGroups: Range<Int>
  /// Chooses rows; nil if all are wanted.
  private let planner: ReadPlanner?
  private let options: RowReadOptions

  init(
    reader: FileReader, rowGroups: Range<Int>, planner: ReadPlanner?, options: RowReadOptions
  ) {
    self.reader = reader
    self.rowGroups = rowGroups
    self.planner = planner
    self.options = options
  }

  /// Begins at the first row.
  public func makeIterator() -> Iterator {
    Iterator(plan: RowPlan(reader, rowGroups: rowGroups, planner: planner, options: options))
  }

  /// No guess: an array of all rows is better made by ``all()``.
  public var underestimatedCount: Int { 0 }

  /// All rows at once.
  ///
  /// - Throws: The error of the first row that cannot be decoded.
  public func all() throws(ParquetError) -> [Row] {
    var rows: [Row] = []
    var iterator = makeIterator()
    while let row = try iterator.nextRow() { rows.append(row) }
    return rows
  }

  /// Decodes one row after another.
  public struct Iterator: IteratorProtocol {
    @usableFromInline let plan: RowPlan

    init(plan: RowPlan) { self.plan = plan }

    // Inlinable, so that where the type is known nothing is done by its metadata.

    /// The next row or why there is none; nil at the end and after an error.
    @inlinable
    public mutating func next() -> Result<Row, ParquetError>? {
      do {
        guard let row = try nextRow() else { return nil }
        return .success(row)
      } catch {
        return .failure(error)
      }
    }

    /// The next row, nil at the end.
    ///
    /// - Throws: ``ParquetError`` if the file cannot be read, or a row does not fit the type.
    @inlinable
    public mutating func nextRow() throws(ParquetError) -> Row? {
      guard try plan.advance() else { return nil }
      do {
        return try Row(from: plan.decoder)
      } catch {
        throw plan.end(with: error)
      }
    }
  }
}

/// How a type's properties are mapped to columns: worked out while the first row is decoded, and kept
/// for all others.
@usableFromInline
final class RowPlan {
  let reader: FileReader
  let place = RowPlace()
  private lazy var root = RowScope(prefix: "", plan: self)

  private let planner: ReadPlanner?
  private let options: RowReadOptions
  private let scratch = DecoderScratch()
  private var rowGroups: Range<Int>
  private var rowGroup = -1
  /// The rows of the row group at hand that a predicate chose.
  private var chosen: ChosenRows?
  private var columns: [String: Int] = [:]
  /// By position in the schema; those that were asked for.
  private var cells: [ColumnCells?]

  init(
    _ reader: FileReader, rowGroups: Range<Int>, planner: ReadPlanner?, options: RowReadOptions
  ) {
    self.reader = reader
    self.rowGroups = rowGroups
    self.planner = planner
    self.options = options
    let schema = reader.metadata.schema.columns
    for (position, column) in schema.enumerated() where columns[column.name] == nil {
      columns[column.name] = position
    }
    cells = Array(repeating: nil, count: schema.count)
    let before = max(0, min(rowGroups.lowerBound, reader.metadata.rowGroups.count))
    place.firstRow = reader.metadata.rowGroups[..<before].reduce(0) { $0 + Int($1.rowCount) }
  }

  /// The decoder of the row at hand.
  @usableFromInline var decoder: any Decoder { root }

  /// Goes to the next row.
  @usableFromInline
  func advance() throws(ParquetError) -> Bool {
    place.row += 1
    return place.row < place.rowCount ? true : try advanceRowGroup()
  }

  private func advanceRowGroup() throws(ParquetError) -> Bool {
    while place.row >= place.rowCount {
      place.firstRow += place.groupRowCount
      place.groupRowCount = 0
      place.row = 0
      place.rowCount = 0
      guard let next = rowGroups.popFirst() else {
        place.row = -1
        return false
      }
      guard reader.metadata.rowGroups.indices.contains(next) else {
        rowGroups = 0..<0
        throw ParquetError(
          .misuse, expected: "one of \(reader.metadata.rowGroups.count) row groups",
          found: "\(next)")
      }
      rowGroup = next
      let rowCount = reader.metadata.rowGroups[next].rowCount
      do {
        // A type that asks for none of the columns would else be decoded as often as the footer claims.
        guard rowCount <= reader.limits.rowCount else {
          throw ParquetError(
            .limitExceeded, expected: "a row group of at most \(reader.limits.rowCount) rows",
            found: "\(rowCount)")
        }
        place.groupRowCount = Int(rowCount)
        guard let count = try choose() else { continue }
        for cells in cells {
          if let cells { try load(cells) }
        }
        place.rowCount = count
      } catch {
        throw end(with: error)
      }
    }
    return true
  }

  /// Finds the rows of the row group at hand that are wanted, and how many they are; nil if none is.
  private func choose() throws(ParquetError) -> Int? {
    guard let planner else { return place.groupRowCount }
    chosen = nil
    place.chosen = nil
    guard let plan = try reader.plan(planner, rowGroup),
      let found = try reader.choose(plan, planner, scratch)
    else { return nil }
    chosen = found
    place.chosen = found.rows
    return found.rows.count
  }

  private func load(_ cells: ColumnCells) throws(ParquetError) {
    if let chosen {
      try cells.load(reader.read(cells.column, of: chosen, options, scratch))
    } else {
      try cells.load(
        reader.readColumn(
          cells.column, rowGroup: rowGroup, verifyChecksums: options.verifiesChecksums,
          scratch: scratch))
    }
  }

  /// Stops: no row follows.
  @usableFromInline
  func end(with error: any Error) -> ParquetError {
    let row = place.fileRow
    rowGroups = 0..<0
    place.row = -1
    place.rowCount = 0
    switch error {
    case let error as ParquetError: return error
    case let error as DecodingError: return ParquetError(error, row: row)
    default:
      return ParquetError(
        .rowMismatch, expected: "a row that its type accepts", found: "\(error)", row: row)
    }
  }

  /// The column of this name, with the values of the row group at hand; nil if there is none.
  func column(_ name: String) throws(ParquetError) -> ColumnCells? {
    guard let position = columns[name] else { return nil }
    if let known = cells[position] { return known }
    let made = ColumnCells(
      reader.metadata.schema.columns[position], column: position, place: place)
    try load(made)
    cells[position] = made
    return made
  }

  /// Names of the columns that begin with `prefix`, without it.
  func names(under prefix: String) -> [String] {
    reader.metadata.schema.columns.compactMap {
      $0.name.hasPrefix(prefix) ? String($0.name.dropFirst(prefix.count)) : nil
    }
  }

  /// An error about a column that is not there.
  func missing(_ name: String, for type: Any.Type) -> ParquetError {
    let names = reader.metadata.schema.columns.map { "\"\($0.name)\"" }
    let listed = names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", …" : "")
    return ParquetError(
      .rowMismatch, expected: "a column for a property of type \(type)",
      found: "none among \(listed)", column: name, row: place.fileRow)
  }
}

extension ParquetError {
  /// What a type's own `init(from:)` found wrong.
  init(_ error: DecodingError, row: Int) {
    let context =
      switch error {
      case .typeMismatch(_, let context), .valueNotFound(_, let context),
        .keyNotFound(_, let context), .dataCorrupted(let context):
        context
      @unknown default: DecodingError.Context(codingPath: [], debugDescription: "\(error)")
      }
    self.init(
      .rowMismatch, expected: "a value that its type accepts", found: context.debugDescription,
      column: context.codingPath.last?.stringValue, row: row)
  }
}
