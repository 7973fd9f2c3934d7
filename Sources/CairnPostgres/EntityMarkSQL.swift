import Cairn

/// The statement that commits the mark of a batch of entities. It is a transaction by itself, or part
/// of one.
struct EntityMarkSQL {
  let state: StateSchema

  /// Yields a row where the lease counts and the checkpoint says what the mark expects.
  ///
  /// The lease is locked until the transaction ends: whoever takes the run over waits, and then sees
  /// what was committed.
  var statement: String {
    """
    WITH owner AS (
      SELECT 1 FROM \(state.leases)
      WHERE sync_id = $1::text AND fence = $2::bigint AND token = $3::text AND token <> ''
      FOR SHARE)
    UPDATE \(state.checkpoints) c
    SET last_entity_id = $5::text, entities_completed = $6::bigint, total_entities = $7::bigint,
      completed_ranges = $8::text, list_digest = $9::text, prefix_digest = $10::text,
      state = $11::bytea, state_digest = $12::text, state_size = $13::bigint,
      state_file = $14::text, target = coalesce($15::text, c.target),
      attempt_batches = $16::bigint, attempt_mark_seconds = $17::double precision,
      checkpoint_at = \(SinkClock.now), failures_in_a_row = 0, failed_at = NULL, error = NULL
    FROM owner WHERE c.sync_id = $1::text AND c.completed_ranges = $4::text
    RETURNING c.sync_id
    """
  }

  /// The statement for a mark.
  func statement(for mark: EntityMark, under lease: Lease) -> MarkStatement {
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
  func execute(
    _ mark: EntityMark, under lease: Lease, on connection: Connection
  ) throws -> Bool {
    let statement = statement(for: mark, under: lease)
    return try connection.query(statement.sql, statement.parameters.map(\.parameter)).rowCount == 1
  }

  /// What to make of a mark that does not hold.
  ///
  /// - Throws: ``SinkError/fenced(_:)`` when the lease was lost.
  func refusal(
    of mark: EntityMark, under lease: Lease, on connection: Connection
  ) throws -> EntityCommitOutcome {
    try LeaseTable(state: state).check(lease, on: connection)
    guard let found = try EntityTable(state: state).checkpoint(of: lease.syncID, on: connection)
    else {
      throw SinkError.fatal("the checkpoint of run \(lease.syncID) is gone", remedy: "")
    }
    return found.completed == mark.completed ? .alreadyCommitted : .behind(found.completed)
  }
}

extension MarkValue {
  /// The value as libpq wants it.
  fileprivate var parameter: Parameter {
    switch self {
    case .null: .text(nil)
    case .text(let text): .text(text)
    case .integer(let number): .integer(number)
    case .real(let number): .text("\(number)")
    case .bytes(let bytes): .binary(bytes, type: 17)
    }
  }
}
