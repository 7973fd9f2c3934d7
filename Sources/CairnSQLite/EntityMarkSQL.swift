import Cairn
import GRDB

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The statement that commits the mark of a batch of entities.
enum EntityMarkSQL {
  /// Yields a row where the lease counts and the checkpoint says what the mark expects.
  static let statement = """
    UPDATE cairn_processing_checkpoints
    SET last_entity_id = ?5, entities_completed = ?6, total_entities = ?7, completed_ranges = ?8,
      list_digest = ?9, prefix_digest = ?10, state = ?11, state_digest = ?12, state_size = ?13,
      state_file = ?14, target = coalesce(?15, target), attempt_batches = ?16,
      attempt_mark_seconds = ?17, checkpoint_at = \(SinkClock.now), failures_in_a_row = 0,
      failed_at = NULL, error = NULL
    WHERE sync_id = ?1 AND completed_ranges = ?4 AND EXISTS (
      SELECT 1 FROM cairn_leases l
      WHERE l.sync_id = ?1 AND l.fence = ?2 AND l.token = ?3 AND l.token <> '')
    RETURNING sync_id
    """

  /// The statement for a mark.
  static func statement(for mark: EntityMark, under lease: Lease) -> MarkStatement {
    MarkStatement(
      sql: statement,
      parameters: [
        .text(lease.syncID.description), .integer(lease.fence), .text(lease.token),
        .text(mark.before.description), .text(mark.lastEntityID),
        .integer(Int64(mark.completed.count)), .integer(Int64(mark.total)),
        .text(mark.completed.description), .text(mark.listDigest), .text(mark.prefixDigest),
        mark.state?.bytes.map(MarkValue.bytes) ?? .null, .optional(mark.state?.digest),
        mark.state.map { .integer(Int64($0.size)) } ?? .null, .optional(mark.state?.file),
        .optional(mark.target), .integer(Int64(mark.batches)), .real(mark.markSeconds),
      ])
  }

  /// Executes it.
  ///
  /// - Returns: Whether the mark holds.
  static func execute(
    _ mark: EntityMark, under lease: Lease, in db: Database
  ) throws -> Bool {
    let statement = statement(for: mark, under: lease)
    return try Row.fetchOne(
      db.cachedStatement(sql: statement.sql),
      arguments: StatementArguments(statement.parameters.map(\.databaseValue))) != nil
  }

  /// What to make of a mark that does not hold.
  ///
  /// - Throws: ``SinkError/fenced(_:)`` when the lease was lost.
  static func refusal(
    of mark: EntityMark, under lease: Lease, in db: Database
  ) throws -> EntityCommitOutcome {
    try LeaseTable.check(lease, in: db)
    guard let found = try EntityTable.checkpoint(of: lease.syncID, in: db) else {
      throw SinkError.fatal("the checkpoint of run \(lease.syncID) is gone", remedy: "")
    }
    return found.completed == mark.completed ? .alreadyCommitted : .behind(found.completed)
  }
}

extension MarkValue {
  /// The value as SQLite keeps it.
  fileprivate var databaseValue: DatabaseValue {
    switch self {
    case .null: .null
    case .text(let text): text.databaseValue
    case .integer(let number): number.databaseValue
    case .real(let number): number.databaseValue
    case .bytes(let bytes): Data(bytes).databaseValue
    }
  }
}
