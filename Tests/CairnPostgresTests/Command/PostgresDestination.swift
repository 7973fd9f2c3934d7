import Cairn
import CairnTesting
import CommandParts

/// A schema of a server, looked at by plain SQL.
struct PostgresDestination: SampleDestination {
  let place: PostgresPlace
  /// The URL for the command, where it is not the place's own.
  var address: String?

  /// The state schema is part of it, as in what a manifest says.
  var url: String { (address ?? place.url) + "&state_schema=\(place.stateSchema)" }

  func content(of table: String, columns: [ColumnRule]) async throws -> SampleContent {
    let names = columns.map { "\"\($0.name)\"::text" }.joined(separator: ", ")
    var tally = SampleTally.typed()
    for row in try await place.probe.query("SELECT \(names) FROM \(table)") {
      try tally.add(row: row)
    }
    return tally.content
  }

  func chunks() async throws -> [Int] {
    try await numbers(
      """
      SELECT l.chunk_id FROM \(place.stateSchema).chunk_ledger l
      JOIN \(place.stateSchema).sync_metadata m USING (sync_id)
      WHERE m.abandoned_at IS NULL ORDER BY l.chunk_id
      """)
  }

  func rejectedLines() async throws -> [Int] {
    try await numbers("SELECT line FROM \(place.stateSchema).rejects ORDER BY line")
  }

  func statuses() async throws -> [String] {
    try await place.probe.query("SELECT status FROM \(place.stateSchema).sync_metadata")
      .compactMap { $0[0] }
  }

  private func numbers(_ sql: String) async throws -> [Int] {
    try await place.probe.query(sql).compactMap { $0[0].flatMap { Int($0) } }
  }
}

extension SampleLoad {
  /// A sample on its way into PostgreSQL.
  convenience init(
    rows: Int, seed: UInt64, mode: LoadMode = .upsert, into destination: PostgresDestination
  ) throws {
    try self.init(
      rows: rows, seed: seed, mode: mode, environment: Self.patience, into: { _ in destination })
  }

  /// A sample on its way into a schema of the tests' server.
  convenience init(rows: Int, seed: UInt64, mode: LoadMode = .upsert) async throws {
    try self.init(
      rows: rows, seed: seed, mode: mode,
      into: PostgresDestination(place: try await TestServer.place()))
  }

  /// Short waits, and many of them: servers come back soon here.
  private static let patience: [String: String?] = [
    "CAIRN_RETRY_BACKOFF": "20ms..200ms", "CAIRN_RETRY_ATTEMPTS": "30",
  ]
}
