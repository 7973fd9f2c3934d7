import Cairn

/// `sync_metadata`: a row per run.
struct RunTable {
  let state: StateSchema

  /// The runs that satisfy a filter, newest first.
  func select(_ filter: RunFilter, on connection: Connection) throws -> [RunRecord] {
    var conditions: [String] = []
    var parameters: [Parameter] = []
    func bind(_ parameter: Parameter) -> String {
      parameters.append(parameter)
      return "$\(parameters.count)"
    }
    if let syncID = filter.syncID {
      conditions.append("m.sync_id = \(bind(.text(syncID.description)))")
    }
    if let table = filter.table {
      let identity = try QualifiedName.resolve(table, on: connection).identity
      conditions.append("m.table_identity = \(bind(.text(identity)))")
    }
    if let fingerprint = filter.fingerprint {
      conditions.append("m.source_fingerprint = \(bind(.text(fingerprint)))")
    }
    if filter.unfinishedOnly {
      conditions.append("m.status <> 'SUCCESS' AND m.abandoned_at IS NULL")
    }
    if !filter.includesAbandoned { conditions.append("m.abandoned_at IS NULL") }
    let limit = filter.limit.map { " LIMIT \($0)" } ?? ""
    let sql = """
      SELECT m.*, \(SinkClock.text("m.started_at")) AS started,
        \(SinkClock.text("m.attempt_started_at")) AS attempt_started,
        \(SinkClock.text("m.completed_at")) AS completed,
        \(SinkClock.text("m.abandoned_at")) AS abandoned, \(LeaseTable.columns("l")), c.*
      FROM \(state.metadata) m
      LEFT JOIN \(state.leases) l ON l.sync_id = m.sync_id
      CROSS JOIN LATERAL (
        SELECT count(*) AS chunks, \(LedgerTable.sums)
        FROM \(state.ledger) e WHERE e.sync_id = m.sync_id) c
      \(conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND "))
      ORDER BY m.sequence DESC\(limit)
      """
    return try connection.query(sql, parameters).namedRows.map(record)
  }

  /// The run of that id.
  ///
  /// - Throws: ``SinkError/fatal(_:remedy:)`` when there is none.
  func record(of syncID: SyncID, on connection: Connection) throws -> RunRecord {
    let filter = RunFilter(syncID: syncID, includesAbandoned: true)
    guard let record = try select(filter, on: connection).first else {
      throw SinkError.fatal("the database knows no run \(syncID)", remedy: "")
    }
    return record
  }

  /// The identity of a run's target.
  func identity(of syncID: SyncID, on connection: Connection) throws -> String {
    let found = try connection.query(
      "SELECT table_identity FROM \(state.metadata) WHERE sync_id = $1",
      [.text(syncID.description)])
    guard found.rowCount == 1, let identity = found.text(0, 0) else {
      throw SinkError.fatal("the database knows no run \(syncID)", remedy: "")
    }
    return identity
  }

  /// SQL that is true of a run `m` that may still commit chunks.
  static let isOutstanding = """
    (m.abandoned_at IS NULL AND m.status <> 'SUCCESS'
      AND (m.end_chunk IS NULL OR m.chunks_committed < m.end_chunk))
    """

  /// SQL that is true of a run `m` that may still write rows: it may still commit chunks, or put its
  /// rows in place of all others. Only a finish says `rows_in_place`, whatever becomes of the run after.
  static let mayStillWrite = """
    (\(isOutstanding) OR (m.abandoned_at IS NULL AND m.status <> 'SUCCESS'
      AND NOT m.rows_in_place))
    """

  /// Inserts a run that begins; its lease is the caller's to add.
  func insert(_ run: NewRun, identity: String, on connection: Connection) throws {
    try connection.query(
      """
      INSERT INTO \(state.metadata) (
        sync_id, file_name, status, phase, attempt, started_at, attempt_started_at, job,
        table_name, table_identity, source_fingerprint, source_path, source_size,
        source_modified_at, job_digest, checkpoint_directory, witness, resolved)
      VALUES ($1, $2, 'converting', 'converting', 1, $3::timestamptz, $3::timestamptz, $4, $5, $6,
        $7, $8, $9, $10, $11, $12, $13, $14)
      """,
      [
        .text(run.syncID.description), .text(run.sourceName), .text(run.startedAt), .text(run.job),
        .text(run.table), .text(identity), .text(run.source.fingerprint), .text(run.source.path),
        .integer(run.source.size), .integer(run.source.modifiedAt), .text(run.jobDigest),
        .text(run.checkpointDirectory), .text(run.witness.text), .text(run.resolved),
      ])
  }

  private func record(_ row: NamedRow) throws -> RunRecord {
    let idText = try row.required("sync_id")
    guard let syncID = SyncID(idText) else {
      throw SinkError.fatal("'\(idText)' in sync_metadata is not a sync id", remedy: "")
    }
    let statusText = try row.required("status")
    guard let status = RunStatus(stateText: statusText) else {
      throw SinkError.fatal(
        "run \(syncID) has the unknown status '\(statusText)' in sync_metadata", remedy: "")
    }
    let new = NewRun(
      syncID: syncID, job: try row.required("job"), table: try row.required("table_name"),
      source: SourceIdentity(
        fingerprint: try row.required("source_fingerprint"), path: try row.text("source_path"),
        size: try row.integer("source_size"), modifiedAt: try row.integer("source_modified_at")),
      sourceName: try row.required("file_name"), jobDigest: try row.required("job_digest"),
      resolved: try row.required("resolved"),
      witness: TargetWitness(text: try row.required("witness")),
      checkpointDirectory: try row.text("checkpoint_directory"),
      startedAt: try row.required("started"))
    let abandonedAt = try row.text("abandoned")
    var holder: LeaseHolder?
    if abandonedAt == nil, try row.isTrue("lease_is_held") {
      holder = try LeaseTable.holder(row)
    }
    var end: SourceEnd?
    if let chunk = try row.integer("end_chunk") {
      end = SourceEnd(
        position: SourcePosition(
          chunk: Int(chunk), offset: LedgerTable.unsigned(try row.requiredInteger("end_offset")),
          row: LedgerTable.unsigned(try row.requiredInteger("end_row")),
          line: LedgerTable.unsigned(try row.requiredInteger("end_line"))))
    }
    return RunRecord(
      new: new, sequence: try row.requiredInteger("sequence"), status: status,
      phase: try row.required("phase"), attempt: Int(try row.requiredInteger("attempt")), end: end,
      counts: try LedgerTable.counts(row, prefix: "sum_"),
      committedChunks: Int(try row.requiredInteger("chunks")), error: try row.text("error"),
      attemptStartedAt: try row.required("attempt_started"),
      completedAt: try row.text("completed"), abandonedAt: abandonedAt, holder: holder)
  }
}

extension RunStatus {
  /// The status as the state tables have it: in capitals when the run has ended.
  var stateText: String {
    switch self {
    case .completed: "SUCCESS"
    case .partialSuccess: "PARTIAL_SUCCESS"
    case .failed: "FAILED"
    case .converting, .ready, .processing: rawValue
    }
  }

  init?(stateText: String) {
    guard let status = RunStatus.allCases.first(where: { $0.stateText == stateText }) else {
      return nil
    }
    self = status
  }
}
