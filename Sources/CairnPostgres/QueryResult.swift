import CPostgres

/// What a statement brought back. Values are read by row and column, from 0.
final class QueryResult {
  private let handle: OpaquePointer

  /// Takes over a result of libpq.
  init(_ handle: OpaquePointer) { self.handle = handle }

  deinit { PQclear(handle) }

  /// How many rows came back.
  var rowCount: Int { Int(PQntuples(handle)) }
  /// The command tag, like `INSERT 0 1`.
  var tag: String { String(cString: PQcmdStatus(handle)) }
  /// How many rows the statement wrote.
  var affectedRows: Int { Int(String(cString: PQcmdTuples(handle))) ?? 0 }

  /// Whether a value is NULL.
  func isNull(_ row: Int, _ column: Int) -> Bool {
    PQgetisnull(handle, Int32(row), Int32(column)) == 1
  }

  /// The bytes of a value, valid as long as this object lives.
  @inline(__always)
  func unsafeBytes(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      start: PQgetvalue(handle, Int32(row), Int32(column)),
      count: Int(PQgetlength(handle, Int32(row), Int32(column))))
  }

  /// A value that came back in text form.
  func text(_ row: Int, _ column: Int) -> String? {
    isNull(row, column) ? nil : String(decoding: unsafeBytes(row, column), as: UTF8.self)
  }

  /// A number that came back in text form.
  func integer(_ row: Int, _ column: Int) -> Int64? { text(row, column).flatMap { Int64($0) } }

  /// A truth value that came back in text form; false for NULL.
  func isTrue(_ row: Int, _ column: Int) -> Bool { text(row, column) == "t" }

  /// A 32- or 64-bit number that came back in binary form.
  @inline(__always)
  func binaryInteger(_ row: Int, _ column: Int) -> Int64 {
    unsafeBytes(row, column).reduce(Int64(0)) { $0 << 8 | Int64($1) }
  }

  /// The one row that there is, by column names; nil when there is none.
  func named(row: Int = 0) -> NamedRow? {
    row < rowCount ? NamedRow(result: self, row: row) : nil
  }

  /// All rows, by column names.
  var namedRows: [NamedRow] { (0..<rowCount).map { NamedRow(result: self, row: $0) } }

  fileprivate func position(of column: String) throws -> Int {
    let found = PQfnumber(handle, "\"\(column)\"")
    guard found >= 0 else {
      throw PostgresFailure(state: "42703", message: "the result has no column '\(column)'")
    }
    return Int(found)
  }
}

/// A row of a result whose values came back in text form.
struct NamedRow {
  let result: QueryResult
  let row: Int

  func text(_ column: String) throws -> String? {
    result.text(row, try result.position(of: column))
  }

  /// A value that is never NULL.
  func required(_ column: String) throws -> String {
    guard let text = try text(column) else {
      throw PostgresFailure(state: "22004", message: "column '\(column)' of Cairn's state is NULL")
    }
    return text
  }

  func integer(_ column: String) throws -> Int64? { try text(column).flatMap { Int64($0) } }

  /// A number that is never NULL.
  func requiredInteger(_ column: String) throws -> Int64 {
    let text = try required(column)
    guard let number = Int64(text) else {
      throw PostgresFailure(
        state: "22023", message: "column '\(column)' of Cairn's state is no number: '\(text)'")
    }
    return number
  }

  func isTrue(_ column: String) throws -> Bool { try text(column) == "t" }

  func real(_ column: String) throws -> Double? { try text(column).flatMap { Double($0) } }
}
