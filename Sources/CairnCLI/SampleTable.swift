import Cairn
import CairnTesting
import Foundation
import GRDB

/// A loaded sample, read back with plain SQL, to be compared with the generator's account.
struct SampleTable {
  var database: String
  var table: String

  func content(columns: [ColumnRule]) throws -> SampleContent {
    var configuration = Configuration()
    configuration.readonly = true
    let queue = try DatabaseQueue(path: database, configuration: configuration)
    let names = columns.map { "\"\($0.name)\"" }.joined(separator: ", ")
    return try queue.read { connection in
      var tally = SampleTally.typed()
      let rows = try Row.fetchCursor(connection, sql: "SELECT \(names) FROM \"\(table)\"")
      while let row = try rows.next() {
        try tally.add(
          row: columns.indices.map { Self.canonical(row[$0], type: columns[$0].type) })
      }
      return tally.content
    }
  }

  /// A value in the tally's form; nil for NULL.
  private static func canonical(_ value: DatabaseValue, type: ColumnType) -> String? {
    switch value.storage {
    case .null, .blob: return nil
    case .string(let text): return text
    case .int64(let number):
      if case .numeric(_, let scale) = type, scale > 0 {
        return "\(number)." + String(repeating: "0", count: scale)
      }
      return "\(number)"
    case .double(let number):
      if case .numeric(_, let scale) = type { return String(format: "%.\(scale)f", number) }
      return "\(number)"
    }
  }
}
