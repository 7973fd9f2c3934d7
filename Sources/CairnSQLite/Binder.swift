import Cairn
import GRDBSQLite
import Parquet

/// Binds the values of one column to a parameter of statements, straight from where they lie.
struct Binder {
  private enum Values {
    case texts(UnsafePointer<ByteSlice>, UnsafeRawPointer)
    case integers(UnsafePointer<Int64>)
    case reals(UnsafePointer<Double>)
    case scalars(UnsafePointer<BoundColumn.Scalar>, UnsafeRawPointer)
  }

  private let values: Values
  private let indices: UnsafePointer<UInt32>?

  /// The position of a row's value, or ``Column/null``.
  @inline(__always)
  func valueIndex(ofRow row: Int) -> UInt32 { indices?[row] ?? UInt32(row) }

  /// Binds the value at a position, or NULL. The statement must be reset, and must not run after the
  /// binder's ``BoundColumn/withBinders(_:_:)`` has returned.
  @inline(__always)
  func bind(_ index: UInt32, to statement: OpaquePointer, at parameter: Int32) {
    guard index != Column.null else {
      sqlite3_bind_null(statement, parameter)
      return
    }
    switch values {
    case .texts(let slices, let base):
      Self.bind(slices[Int(index)], base, to: statement, at: parameter)
    case .integers(let numbers):
      sqlite3_bind_int64(statement, parameter, numbers[Int(index)])
    case .reals(let numbers):
      sqlite3_bind_double(statement, parameter, numbers[Int(index)])
    case .scalars(let scalars, let base):
      switch scalars[Int(index)] {
      case .integer(let number): sqlite3_bind_int64(statement, parameter, number)
      case .real(let number): sqlite3_bind_double(statement, parameter, number)
      case .text(let slice): Self.bind(slice, base, to: statement, at: parameter)
      }
    }
  }

  @inline(__always)
  private static func bind(
    _ slice: ByteSlice, _ base: UnsafeRawPointer, to statement: OpaquePointer, at parameter: Int32
  ) {
    // A nil destructor is SQLITE_STATIC: the bytes stay where they are until the statement ran.
    sqlite3_bind_text(
      statement, parameter,
      (base + Int(slice.offset)).assumingMemoryBound(to: CChar.self), Int32(slice.length), nil)
  }

  /// Calls `body` with a binder for each column, valid during the call.
  static func withBinders<Result>(
    for columns: [BoundColumn], _ body: (UnsafeBufferPointer<Binder>) throws -> Result
  ) throws -> Result {
    var binders: [Binder] = []
    binders.reserveCapacity(columns.count)
    return try collect(columns[...], &binders, body)
  }

  // An array lends its memory for the time of a call, so the columns are nested. (Not `rethrows`:
  // Swift 6.3 loses errors that pass through a recursion of rethrowing closures.)
  private static func collect<Result>(
    _ columns: ArraySlice<BoundColumn>, _ binders: inout [Binder],
    _ body: (UnsafeBufferPointer<Binder>) throws -> Result
  ) throws -> Result {
    guard let column = columns.first else {
      return try binders.withUnsafeBufferPointer(body)
    }
    return try withValues(of: column) { values in
      guard let indices = column.indices else {
        binders.append(Binder(values: values, indices: nil))
        return try collect(columns.dropFirst(), &binders, body)
      }
      return try indices.withUnsafeBufferPointer { indices in
        binders.append(Binder(values: values, indices: indices.baseAddress))
        return try collect(columns.dropFirst(), &binders, body)
      }
    }
  }

  private static func withValues<Result>(
    of column: BoundColumn, _ body: (Values) throws -> Result
  ) throws -> Result {
    switch column.values {
    case .texts(let strings):
      try withSlices(strings.slices, of: strings) { try body(.texts($0, $1)) }
    case .integers(let numbers):
      try numbers.withUnsafeBufferPointer { try body(.integers(start(of: $0))) }
    case .reals(let numbers):
      try numbers.withUnsafeBufferPointer { try body(.reals(start(of: $0))) }
    case .scalars(let scalars, let strings):
      try scalars.withUnsafeBufferPointer { scalars in
        try withSlices(strings.slices, of: strings) { try body(.scalars(start(of: scalars), $1)) }
      }
    }
  }

  private static func withSlices<Result>(
    _ slices: [ByteSlice], of strings: ByteStrings,
    _ body: (UnsafePointer<ByteSlice>, UnsafeRawPointer) throws -> Result
  ) throws -> Result {
    defer { withExtendedLifetime(strings.storage) {} }
    return try slices.withUnsafeBufferPointer {
      try body(start(of: $0), strings.storage.bytes.baseAddress ?? UnsafeRawPointer(nothing))
    }
  }

  /// The start of a buffer; that of a buffer without elements is never read from.
  private static func start<Element>(of buffer: UnsafeBufferPointer<Element>)
    -> UnsafePointer<Element>
  {
    buffer.baseAddress
      ?? UnsafeRawPointer(nothing).assumingMemoryBound(to: Element.self)
  }

  // Stands for the start of an empty buffer; never read or written.
  nonisolated(unsafe) private static let nothing: UnsafeMutableRawPointer = .allocate(
    byteCount: 64, alignment: 16)
}
