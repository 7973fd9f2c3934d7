import Cairn
import CairnTesting
import Foundation

@testable import CairnConnectors

/// What a target holds, read by programs that are not ours: Python's `sqlite3`, and `psql`.
enum LandedTables {
  /// The tables in an SQLite file.
  static func sqlite(_ path: String, _ tables: [RecordTable]) async throws
    -> [String: [[String]: Landing.Row]]
  {
    let script = """
      import json, sqlite3, sys
      db = sqlite3.connect(sys.argv[1])
      db.row_factory = sqlite3.Row
      known = {row[0] for row in db.execute("select name from sqlite_master where type = 'table'")}
      print(json.dumps({table: [dict(row) for row in db.execute(f'select * from "{table}"')]
                        for table in sys.argv[2:] if table in known}))
      """
    let outcome = try await ChildProcess(
      ChildCommand(try Standin.python(), ["-c", script, path] + tables.map(\.name))
    ).wait()
    guard outcome.exitCode == 0 else {
      throw Standin.Failure(description: "\(outcome.end): \(outcome.standardError)")
    }
    return try read(JSONValue(parsing: Array(outcome.standardOutput.utf8)), tables)
  }

  /// The tables in a PostgreSQL database.
  static func postgres(_ server: PostgresServer, _ url: String, _ tables: [RecordTable])
    async throws -> [String: [[String]: Landing.Row]]
  {
    var found: [String] = []
    for table in tables {
      let rows = try await server.run(
        "psql",
        [
          "-X", "-A", "-t", "-d", url, "-c",
          "set time zone 'UTC'; select coalesce(json_agg(t), '[]') from \"\(table.name)\" t",
        ])
      // What SET says comes first.
      let json = rows.drop { $0 != "[" }
      found.append("\(JSONText.quoted(table.name)):\(json)")
    }
    return try read(
      JSONValue(parsing: Array(("{" + found.joined(separator: ",") + "}").utf8)), tables)
  }

  private static func read(_ value: JSONValue, _ tables: [RecordTable]) throws
    -> [String: [[String]: Landing.Row]]
  {
    var found: [String: [[String]: Landing.Row]] = [:]
    for table in tables {
      let types = Dictionary(uniqueKeysWithValues: table.columns.map { ($0.name, $0.type) })
      for record in value[table.name].elements {
        var row: Landing.Row = [:]
        for (name, cell) in record.members where !cell.isNull {
          row[name] = text(cell, types[name] ?? .double)
        }
        let key = table.key.map { row[$0] ?? "" }
        guard found[table.name]?[key] == nil else {
          throw Standin.Failure(description: "\(table.name) has \(key) twice")
        }
        found[table.name, default: [:]][key] = row
      }
    }
    return found
  }

  /// A value as ``cells(_:_:)`` writes it.
  private static func text(_ cell: JSONValue, _ type: ColumnType) -> String? {
    switch type {
    case .boolean: cell.boolean.map { "\($0)" } ?? cell.integer.map { $0 == 1 ? "true" : "false" }
    case .double: cell.double.map { "\($0)" } ?? cell.text
    case .timestamptz: (cell.string.flatMap { Instant($0) }).map { "\($0)" } ?? cell.text
    case .json where cell.isArray:
      "["
        + cell.elements.compactMap { $0.string.map(JSONText.quoted) ?? $0.text }
        .joined(separator: ",") + "]"
    default: cell.string ?? cell.text
    }
  }
}
