import CPostgres
import Cairn
import CairnTesting
import Dispatch
import Foundation

/// Looks at a database as any other program would: plain libpq, values as text.
final class PostgresProbe: TargetProbe, @unchecked Sendable {
  // @unchecked: `session` is only touched on `queue`, which is serial.
  private let url: String
  private let queue = DispatchQueue(label: "probe")
  private var session: OpaquePointer?

  init(url: String) { self.url = url }

  deinit { PQfinish(session) }

  func execute(_ sql: String) async throws { _ = try await query(sql) }

  func rows(of target: TargetTable) async throws -> [[CellValue]] {
    let columns = target.columns.map { "\"\($0.name)\"" }.joined(separator: ", ")
    return try await query("SELECT \(columns) FROM \(target.name)").map { row in
      try zip(row, target.columns).map { try Self.cell($0, $1) }
    }
  }

  /// One value of a query, as text.
  func value(_ sql: String) async throws -> String? {
    try await query(sql).first?.first ?? nil
  }

  /// All rows of a query, values as text.
  func query(_ sql: String) async throws -> [[String?]] {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Result { try self.run(sql) }) }
    }
  }

  /// The number of the session's backend.
  func backend() async throws -> String? { try await value("SELECT pg_backend_pid()") }

  private func run(_ sql: String, isAgain: Bool = false) throws -> [[String?]] {
    if session == nil || PQstatus(session) != CONNECTION_OK {
      PQfinish(session)
      session = PQconnectdb(url)
      PQsetNoticeProcessor(session, { _, _ in }, nil)
      PQclear(PQexec(session, "SET timezone = 'UTC'; SET datestyle = 'ISO'"))
    }
    let result = PQexec(session, sql)
    if PQstatus(session) != CONNECTION_OK, !isAgain {
      // The server was restarted meanwhile.
      PQclear(result)
      return try run(sql, isAgain: true)
    }
    defer { PQclear(result) }
    let status = PQresultStatus(result)
    guard status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK else {
      throw ProbeError(message: String(cString: PQerrorMessage(session)), sql: sql)
    }
    return (0..<PQntuples(result)).map { row in
      (0..<PQnfields(result)).map { column in
        PQgetisnull(result, row, column) == 1
          ? nil : String(cString: PQgetvalue(result, row, column))
      }
    }
  }

  private static func cell(_ text: String?, _ column: TargetColumn) throws -> CellValue {
    guard let text else { return .null }
    let unexpected = BatteryFailure(
      "value of \(column.name)", expected: "\(column.type)", found: text)
    switch column.type {
    case .text, .json: return .text(text)
    case .boolean: return .boolean(text == "t")
    case .integer, .bigint:
      guard let number = Int64(text) else { throw unexpected }
      return .integer(number)
    case .double:
      guard let number = Double(text) else { throw unexpected }
      return .double(number)
    case .numeric(_, let scale):
      let parts = text.split(separator: ".", omittingEmptySubsequences: false)
      let fraction = parts.count == 2 ? String(parts[1]) : ""
      guard fraction.count == scale, let number = Int128(String(parts[0]) + fraction) else {
        throw unexpected
      }
      return .numeric(number)
    case .date:
      guard let days = days(text) else { throw unexpected }
      return .date(Int32(days))
    case .time:
      guard let time = microseconds(text) else { throw unexpected }
      return .time(time)
    case .timestamp, .timestamptz:
      var local = Substring(text)
      if column.type == .timestamptz {
        guard text.hasSuffix("+00") else { throw unexpected }
        local = text.dropLast(3)
      }
      let parts = local.split(separator: " ").map(String.init)
      guard parts.count == 2, let days = days(parts[0]), let time = microseconds(parts[1]) else {
        throw unexpected
      }
      return .timestamp(days * 86_400_000_000 + time)
    case .uuid:
      guard let number = UInt128(text.split(separator: "-").joined(), radix: 16) else {
        throw unexpected
      }
      return .uuid(number)
    }
  }

  /// Days since 1970, by counting them year by year.
  private static func days(_ text: String) -> Int64? {
    let parts = text.split(separator: "-").compactMap { Int64($0) }
    guard parts.count == 3 else { return nil }
    func isLeap(_ year: Int64) -> Bool {
      (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
    }
    var days: Int64 = 0
    var year: Int64 = 1970
    while year < parts[0] {
      days += isLeap(year) ? 366 : 365
      year += 1
    }
    while year > parts[0] {
      year -= 1
      days -= isLeap(year) ? 366 : 365
    }
    let lengths: [Int64] = [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return days + lengths[..<Int(parts[1] - 1)].reduce(0, +) + parts[2] - 1
  }

  private static func microseconds(_ text: String) -> Int64? {
    let parts = text.split(separator: ":")
    guard parts.count == 3, let hours = Int64(parts[0]), let minutes = Int64(parts[1]) else {
      return nil
    }
    let seconds = parts[2].split(separator: ".")
    guard let whole = Int64(seconds[0]) else { return nil }
    let fraction =
      seconds.count == 2 ? Int64((seconds[1] + "000000").prefix(6)) ?? 0 : 0
    return (hours * 3600 + minutes * 60 + whole) * 1_000_000 + fraction
  }
}

/// What the server said to the probe.
struct ProbeError: Error, CustomStringConvertible {
  var message: String
  var sql: String

  var description: String { "\(message) (\(sql))" }
}
