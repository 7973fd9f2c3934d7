import Cairn
import GRDB

/// `cairn_job_schedules`: a row per cursor job.
enum JobTable {
  /// The table and those of ``JobCheckpointTable`` and ``JobHistoryTable``.
  static let creation = """
    CREATE TABLE cairn_job_schedules (
      job_name TEXT NOT NULL PRIMARY KEY,
      job_type TEXT NOT NULL,
      scope_digest TEXT NOT NULL,
      job_file TEXT,
      interval_seconds REAL,
      status TEXT NOT NULL,
      checkpoint_data TEXT,
      last_checkpoint_at TEXT,
      generation INTEGER NOT NULL DEFAULT 0,
      retry_count INTEGER NOT NULL DEFAULT 0,
      error_message TEXT,
      sync_id TEXT UNIQUE,
      attempt INTEGER NOT NULL DEFAULT 0,
      attempt_started_at TEXT,
      attempt_open INTEGER NOT NULL DEFAULT 0,
      ended_at TEXT,
      next_run_at TEXT,
      paused_status TEXT,
      created_at TEXT NOT NULL
    );
    CREATE TABLE cairn_job_checkpoints (
      job_name TEXT NOT NULL,
      generation INTEGER NOT NULL,
      sync_id TEXT NOT NULL,
      data TEXT NOT NULL,
      digest TEXT NOT NULL,
      committed_at TEXT NOT NULL,
      is_aside INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (job_name, generation)
    );
    CREATE TABLE cairn_job_history (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      job_name TEXT NOT NULL,
      sync_id TEXT,
      attempt INTEGER NOT NULL,
      at TEXT NOT NULL,
      kind TEXT NOT NULL,
      detail TEXT,
      amount INTEGER,
      seconds REAL
    );
    CREATE INDEX cairn_job_history_job ON cairn_job_history (job_name, at);
    """

  /// The jobs of those names, or all, by name.
  static func select(_ names: [String], in db: Database) throws -> [JobSchedule] {
    let condition =
      names.isEmpty
      ? "1" : "j.job_name IN (\(names.map { _ in "?" }.joined(separator: ", ")))"
    return try Row.fetchAll(
      db,
      sql: """
        SELECT j.*, l.fence, l.token, l.host, l.pid, l.process_start, l.expires_at,
          coalesce(l.expires_at > \(SinkClock.now), 0) AS is_leased,
          coalesce(j.status <> 'PAUSED' AND j.next_run_at <= \(SinkClock.now), 0) AS is_due,
          \(SinkClock.seconds(from: "j.ended_at", to: SinkClock.now)) AS since_end
        FROM cairn_job_schedules j LEFT JOIN cairn_leases l ON l.sync_id = j.sync_id
        WHERE \(condition) ORDER BY j.job_name
        """, arguments: StatementArguments(names)
    ).map(schedule)
  }

  /// The job of that name, or nil.
  static func schedule(of name: String, in db: Database) throws -> JobSchedule? {
    try select([name], in: db).first
  }

  /// The job of that name.
  ///
  /// - Throws: ``SinkError/fatal(_:remedy:)`` when there is none.
  static func known(_ name: String, in db: Database) throws -> JobSchedule {
    guard let schedule = try schedule(of: name, in: db) else {
      throw SinkError.fatal("the database knows no job '\(name)'", remedy: "")
    }
    return schedule
  }

  /// The job whose run is the lease's.
  ///
  /// - Throws: ``SinkError/fatal(_:remedy:)`` when there is none.
  static func job(of syncID: SyncID, in db: Database) throws -> JobSchedule {
    let name = try String.fetchOne(
      db.cachedStatement(sql: "SELECT job_name FROM cairn_job_schedules WHERE sync_id = ?"),
      arguments: [syncID.description])
    guard let name else {
      throw SinkError.fatal("no job is at run \(syncID) any more", remedy: "")
    }
    return try known(name, in: db)
  }

  /// Enters a job, or changes what it says of itself.
  static func register(_ job: NewJob, in db: Database) throws {
    let interval = job.interval?.inSeconds
    try db.execute(
      sql: """
        INSERT INTO cairn_job_schedules (
          job_name, job_type, scope_digest, job_file, interval_seconds, status, next_run_at,
          created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, 'PENDING', iif(?5 IS NULL, NULL, \(SinkClock.now)),
          \(SinkClock.now))
        ON CONFLICT (job_name) DO UPDATE SET job_type = excluded.job_type,
          scope_digest = excluded.scope_digest, job_file = excluded.job_file,
          interval_seconds = excluded.interval_seconds,
          next_run_at = CASE
            WHEN interval_seconds IS excluded.interval_seconds THEN next_run_at
            WHEN ended_at IS NULL AND attempt = 0 THEN excluded.next_run_at
            WHEN coalesce(paused_status, status) <> 'FINISHED' THEN next_run_at
            WHEN excluded.interval_seconds IS NULL THEN NULL
            ELSE strftime('%Y-%m-%dT%H:%M:%fZ', ended_at,
              printf('%+.3f seconds', excluded.interval_seconds)) END
        """,
      arguments: [job.name, job.type, job.scopeDigest, job.file, interval])
  }

  /// Begins an attempt: at a run that begins, or again at the one that is unfinished. An attempt that
  /// is killed is due again at once.
  static func beginAttempt(of name: String, run: SyncID, isNew: Bool, in db: Database) throws {
    try db.execute(
      sql: """
        UPDATE cairn_job_schedules
        SET status = 'RUNNING', sync_id = ?2, attempt = iif(?3, 1, attempt + 1),
          attempt_started_at = \(SinkClock.now), attempt_open = 1, next_run_at = \(SinkClock.now)
        WHERE job_name = ?1
        """, arguments: [name, run.description, isNew])
  }

  /// Notes a checkpoint, if it is the one that follows the newest.
  ///
  /// - Returns: The job and its attempt, or nil when another one would follow.
  static func note(
    _ checkpoint: NewJobCheckpoint, of syncID: SyncID, in db: Database
  ) throws -> (name: String, attempt: Int)? {
    try Row.fetchOne(
      db.cachedStatement(
        sql: """
          UPDATE cairn_job_schedules
          SET generation = ?2, checkpoint_data = ?3, last_checkpoint_at = \(SinkClock.now)
          WHERE sync_id = ?1 AND generation = ?2 - 1 RETURNING job_name, attempt
          """),
      arguments: [syncID.description, checkpoint.generation, checkpoint.data]
    ).map { ($0["job_name"], $0["attempt"]) }
  }

  /// Ends an attempt.
  static func endAttempt(_ end: JobEnd, of name: String, in db: Database) throws {
    try db.execute(
      sql: """
        UPDATE cairn_job_schedules
        SET status = ?2, error_message = ?3, attempt_open = 0, ended_at = \(SinkClock.now),
          retry_count = CASE ?2 WHEN 'FINISHED' THEN 0 WHEN 'FAILED' THEN retry_count + 1
            ELSE retry_count END,
          next_run_at = CASE
            WHEN ?4 IS NOT NULL THEN \(SinkClock.later(by: "?4"))
            WHEN ?2 <> 'FINISHED' THEN \(SinkClock.now)
            WHEN interval_seconds IS NOT NULL THEN \(SinkClock.later(by: "interval_seconds")) END
        WHERE job_name = ?1
        """,
      arguments: [name, end.status.rawValue, end.error, end.nextRunIn?.inSeconds])
  }

  /// Pauses a job, lets it go on, or makes it begin anew.
  static func change(_ change: JobChange, of name: String, in db: Database) throws {
    let assignments =
      switch change {
      case .pause: "paused_status = coalesce(paused_status, status), status = 'PAUSED'"
      case .unpause: "status = coalesce(paused_status, status), paused_status = NULL"
      case .reset:
        """
        status = iif(paused_status IS NULL, 'PENDING', status),
        paused_status = iif(paused_status IS NULL, NULL, 'PENDING'), checkpoint_data = NULL,
        retry_count = 0, error_message = NULL, attempt_open = 0,
        next_run_at = iif(interval_seconds IS NULL, NULL, \(SinkClock.now))
        """
      }
    try db.execute(
      sql: "UPDATE cairn_job_schedules SET \(assignments) WHERE job_name = ?", arguments: [name])
  }

  /// Whether the job's last attempt has not said how it ended.
  static func isAttemptOpen(_ name: String, in db: Database) throws -> Bool {
    try Bool.fetchOne(
      db, sql: "SELECT attempt_open FROM cairn_job_schedules WHERE job_name = ?",
      arguments: [name]) == true
  }

  private static func schedule(_ row: Row) throws -> JobSchedule {
    let name: String = row["job_name"]
    let statusText: String = row["status"]
    guard let status = JobStatus(rawValue: statusText) else {
      throw SinkError.fatal(
        "job '\(name)' has the unknown status '\(statusText)' in cairn_job_schedules", remedy: "")
    }
    let runText: String? = row["sync_id"]
    if let runText, SyncID(runText) == nil {
      throw SinkError.fatal("'\(runText)' in cairn_job_schedules is not a sync id", remedy: "")
    }
    var holder: LeaseHolder?
    if row["is_leased"] == true, let token: String = row["token"], token != "" {
      let found = LeaseTable.holder(row)
      if found.owner.isAliveOnThisHost { holder = found }
    }
    return JobSchedule(
      job: NewJob(
        name: name, type: row["job_type"], scopeDigest: row["scope_digest"],
        interval: (row["interval_seconds"] as Double?).map { .seconds($0) }, file: row["job_file"]),
      status: status, run: runText.flatMap(SyncID.init), attempt: row["attempt"],
      generation: row["generation"], lastCheckpointAt: row["last_checkpoint_at"],
      retryCount: row["retry_count"], error: row["error_message"], nextRunAt: row["next_run_at"],
      isDue: row["is_due"],
      sinceEnd: (row["since_end"] as Double?).map { .seconds($0) }, holder: holder)
  }
}
