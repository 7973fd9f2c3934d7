import Cairn
import GRDB

/// `cairn_sync_metadata`: a row per run.
enum RunTable {
  /// The runs that satisfy a filter, newest first.
  static func select(_ filter: RunFilter, in db: Database) throws -> [RunRecord] {
    var conditions = ["1"]
    var arguments: [(any DatabaseValueConvertible)?] = []
    if let syncID = filter.syncID {
      conditions.append("m.sync_id = ?")
      arguments.append(syncID.description)
    }
    if let table = filter.table {
      conditions.append("m.table_identity = ?")
      arguments.append(try TableName(table).identity)
    }
    if let fingerprint = filter.fingerprint {
      conditions.append("m.source_fingerprint = ?")
      arguments.append(fingerprint)
    }
    if filter.unfinishedOnly {
      conditions.append("m.status <> 'SUCCESS' AND m.abandoned_at IS NULL")
    }
    if !filter.includesAbandoned { conditions.append("m.abandoned_at IS NULL") }
    var sql = """
      SELECT m.*, l.fence, l.token, l.host, l.pid, l.process_start, l.expires_at,
        l.expires_at > \(SinkClock.now) AS is_leased,
        (SELECT count(*) FROM cairn_chunk_ledger c WHERE c.sync_id = m.sync_id) AS chunks,
        \(LedgerTable.sums)
      FROM cairn_sync_metadata m LEFT JOIN cairn_leases l ON l.sync_id = m.sync_id
      WHERE \(conditions.joined(separator: " AND "))
      ORDER BY m.sequence DESC
      """
    if let limit = filter.limit { sql += " LIMIT \(limit)" }
    return try Row.fetchAll(
      db.cachedStatement(sql: sql), arguments: StatementArguments(arguments)
    ).map(record)
  }

  /// The run of that id.
  ///
  /// - Throws: ``SinkError/fatal(_:remedy:)`` when there is none.
  static func record(of syncID: SyncID, in db: Database) throws -> RunRecord {
    let filter = RunFilter(syncID: syncID, includesAbandoned: true)
    guard let record = try select(filter, in: db).first else {
      throw SinkError.fatal("the database knows no run \(syncID)", remedy: "")
    }
    return record
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
  static func insert(_ run: NewRun, in db: Database) throws {
    try db.execute(
      sql: """
        INSERT INTO cairn_sync_metadata (
          sync_id, file_name, status, phase, attempt, started_at, attempt_started_at, job,
          table_name, table_identity, source_fingerprint, source_path, source_size,
          source_modified_at, job_digest, checkpoint_directory, witness, resolved)
        VALUES (?, ?, 'converting', 'converting', 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        run.syncID.description, run.sourceName, run.startedAt, run.startedAt, run.job, run.table,
        try TableName(run.table).identity, run.source.fingerprint, run.source.path,
        run.source.size, run.source.modifiedAt, run.jobDigest, run.checkpointDirectory,
        run.witness.text, run.resolved,
      ])
  }

  private static func record(_ row: Row) throws -> RunRecord {
    let idText: String = row["sync_id"]
    guard let syncID = SyncID(idText) else {
      throw SinkError.fatal("'\(idText)' in cairn_sync_metadata is not a sync id", remedy: "")
    }
    let statusText: String = row["status"]
    guard let status = RunStatus(stateText: statusText) else {
      throw SinkError.fatal(
        "run \(syncID) has the unknown status '\(statusText)' in cairn_sync_metadata", remedy: "")
    }
    let new = NewRun(
      syncID: syncID, job: row["job"], table: row["table_name"],
      source: SourceIdentity(
        fingerprint: row["source_fingerprint"], path: row["source_path"], size: row["source_size"],
        modifiedAt: row["source_modified_at"]),
      sourceName: row["file_name"], jobDigest: row["job_digest"], resolved: row["resolved"],
      witness: TargetWitness(text: row["witness"]),
      checkpointDirectory: row["checkpoint_directory"], startedAt: row["started_at"])
    let abandonedAt: String? = row["abandoned_at"]
    var holder: LeaseHolder?
    if abandonedAt == nil, row["is_leased"] == true, let token: String = row["token"], token != "" {
      holder = LeaseTable.holder(row)
    }
    var end: SourceEnd?
    if let chunk: Int = row["end_chunk"] {
      end = SourceEnd(
        position: SourcePosition(
          chunk: chunk, offset: LedgerTable.unsigned(row["end_offset"]),
          row: LedgerTable.unsigned(row["end_row"]), line: LedgerTable.unsigned(row["end_line"])))
    }
    return RunRecord(
      new: new, sequence: row["sequence"], status: status, phase: row["phase"],
      attempt: row["attempt"], end: end, counts: LedgerTable.counts(row, prefix: "sum_"),
      committedChunks: row["chunks"], error: row["error"],
      attemptStartedAt: row["attempt_started_at"], completedAt: row["completed_at"],
      abandonedAt: abandonedAt, holder: holder)
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
