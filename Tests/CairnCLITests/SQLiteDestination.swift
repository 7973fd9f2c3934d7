import Cairn
import CairnTesting
import CommandParts
import GRDB

@testable import CairnCLI

/// A SQLite file in a test's folder.
struct SQLiteDestination: SampleDestination {
  let file: String
  var url: String { "sqlite:transport.db" }

  init(_ place: Workplace) { file = place.file("transport.db") }

  func content(of table: String, columns: [ColumnRule]) throws -> SampleContent {
    try SampleTable(database: file, table: table).content(columns: columns)
  }

  func chunks() throws -> [Int] {
    try all(
      """
      SELECT l.chunk_id FROM cairn_chunk_ledger l JOIN cairn_sync_metadata m USING (sync_id)
      WHERE m.abandoned_at IS NULL ORDER BY l.chunk_id
      """)
  }

  func rejectedLines() throws -> [Int] { try all("SELECT line FROM cairn_rejects ORDER BY line") }

  func statuses() throws -> [String] { try all("SELECT status FROM cairn_sync_metadata") }

  private func all<Value: DatabaseValueConvertible>(_ sql: String) throws -> [Value] {
    try DatabaseQueue(path: file).read { try Value.fetchAll($0, sql: sql) }
  }
}

extension SampleLoad {
  /// A sample on its way into SQLite.
  convenience init(
    rows: Int, seed: UInt64, mode: LoadMode = .upsert, file: String = "transport.dat"
  ) throws {
    try self.init(
      rows: rows, seed: seed, mode: mode, file: file, into: { SQLiteDestination($0) })
  }
}
