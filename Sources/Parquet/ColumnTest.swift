/// One comparison of a ``RowPredicate``, bound to a column of a file: which stored values it is true for.
struct ColumnTest: Sendable {
  enum Condition: Sendable {
    case isNull
    case integers(ValueSet<Int128>)
    case numbers(ValueSet<Double>, matchesNaN: Bool)
    case bytes(ValueSet<ByteKey>)
  }

  /// The column's position in the schema.
  var column: Int
  var descriptor: ColumnDescriptor
  /// How values are compared; nil only where none are.
  var kind: StoredKind?
  var condition: Condition

  /// What is sought: one comparison, or one of several values.
  enum Sought {
    case compare(RowPredicate.Comparison, PredicateValue)
    case isIn([PredicateValue])
  }

  /// Binds a test for null.
  init(isNull column: Int, _ descriptor: ColumnDescriptor) {
    self.column = column
    self.descriptor = descriptor
    kind = StoredKind(descriptor)
    condition = .isNull
  }

  /// Binds a comparison.
  ///
  /// - Throws: ``ParquetError`` of kind `misuse` if the column has lists, or no values that can be
  ///   compared with the literal.
  init(_ column: Int, _ descriptor: ColumnDescriptor, _ sought: Sought) throws(ParquetError) {
    guard descriptor.list == nil else {
      throw ParquetError(
        .misuse, expected: "a column of single values to compare (a list can be tested by isNull)",
        found: "a list column", column: descriptor.name)
    }
    guard let kind = StoredKind(descriptor) else {
      throw ParquetError(
        .misuse, expected: "a column whose values can be compared", found: "INTERVAL",
        column: descriptor.name)
    }
    self.column = column
    self.descriptor = descriptor
    self.kind = kind
    switch kind {
    case .boolean, .int32, .int64, .int96, .bigEndian:
      condition = .integers(try Self.integers(sought, descriptor))
    case .float, .double, .float16:
      condition = try Self.numbers(sought, descriptor)
    case .bytes:
      condition = .bytes(try Self.byteStrings(sought, descriptor))
    }
  }

  private static func mismatch(
    _ value: PredicateValue, _ descriptor: ColumnDescriptor
  ) -> ParquetError {
    let expected =
      switch descriptor.logicalType {
      case .date: "a date"
      case .time: "a time"
      case .timestamp: "a timestamp"
      case .decimal: "a number"
      case .string, .enumeration, .json: "a String or bytes"
      case .uuid, .bson: "bytes"
      case .float16: "a number"
      case .integer, .interval, .unknown, nil:
        switch descriptor.physicalType {
        case .boolean: "a Bool"
        case .int32, .int64, .float, .double: "a number"
        case .int96: "a timestamp"
        case .byteArray: "a String or bytes"
        case .fixedLengthByteArray: "bytes"
        }
      }
    return ParquetError(
      .misuse, expected: "\(expected) to compare this column with", found: "\(value)",
      column: descriptor.name)
  }

  // MARK: Literals

  private static func integers(
    _ sought: Sought, _ descriptor: ColumnDescriptor
  ) throws(ParquetError) -> ValueSet<Int128> {
    switch sought {
    case .compare(let comparison, let value):
      return try threshold(value, descriptor).values(comparison)
    case .isIn(let values):
      var points: [Int128] = []
      for value in values {
        if case .at(let number) = try threshold(value, descriptor) { points.append(number) }
      }
      return ValueSet(points: points)
    }
  }

  private static func threshold(
    _ value: PredicateValue, _ descriptor: ColumnDescriptor
  ) throws(ParquetError) -> PredicateThreshold {
    func inUnits(_ count: Int64, _ unit: LogicalType.TimeUnit, of stored: LogicalType.TimeUnit)
      -> PredicateThreshold
    {
      PredicateThreshold(Int128(count) * unit.nanoseconds, dividedBy: stored.nanoseconds)
    }
    switch (descriptor.physicalType, descriptor.logicalType, value.kind) {
    case (.boolean, _, .boolean(let value)): return .at(value ? 1 : 0)
    case (_, .date, .date(let days)): return .at(Int128(days))
    case (_, .time(let stored, _), .time(let count, let unit)):
      return inUnits(count, unit, of: stored)
    case (_, .timestamp(let stored, _), .timestamp(let count, let unit)):
      return inUnits(count, unit, of: stored)
    case (.int96, _, .timestamp(let count, let unit)):
      return inUnits(count, unit, of: .nanoseconds)
    case (.boolean, _, _), (.int96, _, _), (_, .date, _), (_, .time, _), (_, .timestamp, _):
      throw mismatch(value, descriptor)
    default: break
    }
    var columnScale = 0
    if case .decimal(_, let scale) = descriptor.logicalType { columnScale = scale }
    switch value.kind {
    case .integer(let number):
      return PredicateThreshold(unscaled: number, scale: 0, columnScale: columnScale)
    case .double(let number): return PredicateThreshold(number, columnScale: columnScale)
    case .decimal(let unscaled, let scale):
      return PredicateThreshold(unscaled: unscaled, scale: scale, columnScale: columnScale)
    case .boolean, .string, .bytes, .date, .time, .timestamp: throw mismatch(value, descriptor)
    }
  }

  private static func numbers(
    _ sought: Sought, _ descriptor: ColumnDescriptor
  ) throws(ParquetError) -> Condition {
    func threshold(_ value: PredicateValue) throws(ParquetError) -> NumberThreshold {
      guard let threshold = NumberThreshold(value.kind) else { throw mismatch(value, descriptor) }
      return threshold
    }
    switch sought {
    case .compare(let comparison, let value):
      return .numbers(
        try threshold(value).values(comparison), matchesNaN: comparison == .notEqual)
    case .isIn(let values):
      var points: [Double] = []
      for value in values {
        if case .at(let number) = try threshold(value) { points.append(number) }
      }
      return .numbers(ValueSet(points: points), matchesNaN: false)
    }
  }

  private static func byteStrings(
    _ sought: Sought, _ descriptor: ColumnDescriptor
  ) throws(ParquetError) -> ValueSet<ByteKey> {
    func key(_ value: PredicateValue) throws(ParquetError) -> ByteKey {
      switch value.kind {
      case .bytes(let bytes): return ByteKey(bytes: bytes)
      case .string(let text)
      where descriptor.physicalType == .byteArray && descriptor.logicalType != .bson:
        return ByteKey(bytes: Array(text.utf8))
      default: throw mismatch(value, descriptor)
      }
    }
    switch sought {
    case .compare(let comparison, let value): return ValueSet(comparison, try key(value))
    case .isIn(let values):
      var points: [ByteKey] = []
      for value in values { points.append(try key(value)) }
      return ValueSet(points: points)
    }
  }
}

extension LogicalType.TimeUnit {
  /// How many nanoseconds it has.
  var nanoseconds: Int128 {
    switch self {
    case .milliseconds: 1_000_000
    case .microseconds: 1000
    case .nanoseconds: 1
    }
  }
}

/// A ``RowPredicate`` bound to the columns of a file.
struct BoundPredicate: Sendable {
  indirect enum Node: Sendable {
    /// The position of a test in ``tests``.
    case test(Int)
    case and(Node, Node)
    case or(Node, Node)
    case not(Node)
  }

  private(set) var tests: [ColumnTest] = []
  private(set) var root: Node = .test(0)

  /// The positions of all columns that are tested, ascending.
  var columns: [Int] { Set(tests.map(\.column)).sorted() }

  /// Binds a predicate.
  ///
  /// - Throws: ``ParquetError`` of kind `misuse` if it names a column that is not there, or compares
  ///   one with what it cannot be compared with.
  init(_ predicate: RowPredicate, to schema: FileSchema) throws(ParquetError) {
    root = try bind(predicate.node, schema)
  }

  private mutating func bind(
    _ node: RowPredicate.Node, _ schema: FileSchema
  ) throws(ParquetError) -> Node {
    switch node {
    case .and(let left, let right):
      return .and(try bind(left, schema), try bind(right, schema))
    case .or(let left, let right): return .or(try bind(left, schema), try bind(right, schema))
    case .not(let node): return .not(try bind(node, schema))
    case .isNull(let name):
      let column = try schema.position(of: name)
      tests.append(ColumnTest(isNull: column, schema.columns[column]))
    case .compare(let name, let comparison, let value):
      let column = try schema.position(of: name)
      tests.append(
        try ColumnTest(column, schema.columns[column], .compare(comparison, value)))
    case .isIn(let name, let values):
      let column = try schema.position(of: name)
      tests.append(try ColumnTest(column, schema.columns[column], .isIn(values)))
    }
    return .test(tests.count - 1)
  }
}

extension FileSchema {
  /// The position of the column called `name`.
  func position(of name: String) throws(ParquetError) -> Int {
    guard let position = columns.firstIndex(where: { $0.name == name }) else {
      throw ParquetError(
        .misuse, expected: "one of the columns \(columns.map(\.name).joined(separator: ", "))",
        found: "another", column: name)
    }
    return position
  }
}
