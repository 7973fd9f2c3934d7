import Cairn
import CairnTesting
import GRDB

/// Reads a SQLite file as any other program would, value by value.
struct SQLiteProbe: TargetProbe {
  let path: String

  func execute(_ sql: String) async throws {
    try await connect().writeWithoutTransaction { try $0.execute(sql: sql) }
  }

  func rows(of target: TargetTable) async throws -> [[CellValue]] {
    let columns = target.columns.map { "\"\($0.name)\"" }.joined(separator: ", ")
    return try await connect().writeWithoutTransaction { db in
      try Row.fetchAll(db, sql: "SELECT \(columns) FROM \(target.name)").map { row in
        try target.columns.enumerated().map { position, column in
          try Self.cell(row[position], column)
        }
      }
    }
  }

  /// One value of a query.
  func value(_ sql: String) async throws -> DatabaseValue? {
    try await connect().writeWithoutTransaction { try DatabaseValue.fetchOne($0, sql: sql) }
  }

  /// All rows of a query, each value in SQL's notation.
  func literals(_ sql: String) async throws -> [[String]] {
    try await connect().writeWithoutTransaction { db in
      try Row.fetchAll(db, sql: sql).map { row in
        row.databaseValues.map { "\($0)" }
      }
    }
  }

  /// A text as ``literals(_:)`` has it.
  static func literal(_ text: String) -> String { "\(text.databaseValue)" }

  private func connect() throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.busyMode = .timeout(10)
    return try DatabaseQueue(path: path, configuration: configuration)
  }

  private static func cell(_ value: DatabaseValue, _ column: TargetColumn) throws -> CellValue {
    func unexpected() -> BatteryFailure {
      BatteryFailure("storage of \(column.name)", expected: "\(column.type)", found: "\(value)")
    }
    switch (column.type, value.storage) {
    case (_, .null): return .null
    case (.text, .string(let text)), (.json, .string(let text)): return .text(text)
    case (.boolean, .int64(let number)) where number == 0 || number == 1:
      return .boolean(number == 1)
    case (.integer, .int64(let number)), (.bigint, .int64(let number)): return .integer(number)
    case (.double, .double(let number)): return .double(number)
    case (.numeric(_, let scale), _):
      let text: String
      switch value.storage {
      case .int64(let number): text = String(number)
      case .string(let string): text = string
      // What a person reads: fifteen digits.
      case .double(let number): text = plain(number)
      default: throw unexpected()
      }
      guard let unscaled = unscaled(text, scale: scale) else { throw unexpected() }
      return .numeric(unscaled)
    case (.date, .string(let text)):
      guard text.utf8.count == 10, let days = days(text) else { throw unexpected() }
      return .date(Int32(days))
    case (.time, .string(let text)):
      guard let time = microseconds(text) else { throw unexpected() }
      return .time(time)
    case (.timestamp, .string(let text)), (.timestamptz, .string(let text)):
      var local = Substring(text)
      if column.type == .timestamptz {
        guard text.hasSuffix("+00:00") else { throw unexpected() }
        local = text.dropLast(6)
      }
      let parts = local.split(separator: " ").map(String.init)
      guard parts.count == 2, let days = days(parts[0]), let time = microseconds(parts[1]) else {
        throw unexpected()
      }
      return .timestamp(days * 86_400_000_000 + time)
    case (.uuid, .string(let text)):
      let digits = text.split(separator: "-").joined()
      guard text.utf8.count == 36, text == text.lowercased(),
        let number = UInt128(digits, radix: 16)
      else { throw unexpected() }
      return .uuid(number)
    default: throw unexpected()
    }
  }

  /// A double with as many digits as bring it back, without an exponent.
  private static func plain(_ number: Double) -> String {
    let text = number.description
    guard let exponent = text.firstIndex(of: "e") else { return text }
    let power = Int(text[text.index(after: exponent)...]) ?? 0
    let negative = text.hasPrefix("-")
    let mantissa = text[..<exponent].drop { $0 == "-" }.split(separator: ".")
    let fraction = mantissa.count > 1 ? mantissa[1] : ""
    // Only small numbers are written so here.
    let digits = String(repeating: "0", count: max(0, -power)) + mantissa[0] + fraction
    return (negative ? "-" : "") + "0." + digits.dropFirst()
  }

  private static func unscaled(_ text: String, scale: Int) -> Int128? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2 else { return nil }
    var fraction = parts.count == 2 ? String(parts[1]) : ""
    while fraction.utf8.count > scale, fraction.last == "0" { fraction.removeLast() }
    guard fraction.utf8.count <= scale else { return nil }
    fraction += String(repeating: "0", count: scale - fraction.utf8.count)
    return Int128(String(parts[0]) + fraction)
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
    guard let whole = Int64(seconds[0]), seconds.count == 1 || seconds[1].utf8.count == 6 else {
      return nil
    }
    let fraction = seconds.count == 2 ? Int64(seconds[1]) ?? 0 : 0
    return (hours * 3600 + minutes * 60 + whole) * 1_000_000 + fraction
  }
}
