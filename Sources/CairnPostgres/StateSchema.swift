import Cairn

/// The schema with Cairn's own tables, and how they come to be.
///
/// `sync_metadata` has a row per run, `chunk_ledger` one per committed chunk, `rejects` one per
/// rejected row, `leases` one per run with its owner and fence, `finish_steps` one per step that was
/// done with the rows of a run (``FinishSteps``), `recorded_key_sets` and `recorded_keys` what
/// ``RecordedKeys`` needs, `processing_checkpoints` one per processor and partition that is being
/// worked on, `processing_history` one per attempt at that which has ended, `schema_version` one per
/// migration; for those of stages see ``StageTables``, for those of cursor jobs ``JobTable``.
struct StateSchema: Hashable, Sendable {
  /// The schema's name.
  var name: String

  init(_ name: String?) { self.name = name ?? "cairn" }

  /// A table of the schema, for SQL.
  func table(_ table: String) -> String { "\(name.quotedIdentifier).\(table)" }

  var metadata: String { table("sync_metadata") }
  var ledger: String { table("chunk_ledger") }
  var rejects: String { table("rejects") }
  var leases: String { table("leases") }
  var steps: String { table("finish_steps") }
  var keySets: String { table("recorded_key_sets") }
  var keys: String { table("recorded_keys") }
  var checkpoints: String { table("processing_checkpoints") }
  var history: String { table("processing_history") }
  var stages: String { table("stage_checkpoints") }
  var pipelines: String { table("stage_pipelines") }
  var jobs: String { table("job_schedules") }
  var jobCheckpoints: String { table("job_checkpoints") }
  var jobHistory: String { table("job_history") }

  /// The version this program writes.
  static let version = 6
  /// The first version with the tables of ``EntityTable``.
  static let firstWithEntities = 2
  /// The first version with the tables of stages.
  static let firstWithStages = 3
  /// The first version with the tables of ``JobTable``.
  static let firstWithJobs = 4

  /// What leads from each version to the next; the first makes version 1 out of nothing.
  private var migrations: [String] {
    [
      """
      CREATE TABLE \(metadata) (
        sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        sync_id text NOT NULL UNIQUE,
        file_name text NOT NULL,
        status text NOT NULL,
        phase text NOT NULL,
        attempt integer NOT NULL,
        records_total bigint NOT NULL DEFAULT 0,
        records_inserted bigint NOT NULL DEFAULT 0,
        records_updated bigint NOT NULL DEFAULT 0,
        records_unchanged bigint NOT NULL DEFAULT 0,
        records_superseded bigint NOT NULL DEFAULT 0,
        records_kept bigint NOT NULL DEFAULT 0,
        records_failed bigint NOT NULL DEFAULT 0,
        validation_errors bigint NOT NULL DEFAULT 0,
        chunks_committed integer NOT NULL DEFAULT 0,
        started_at timestamptz NOT NULL,
        attempt_started_at timestamptz NOT NULL,
        completed_at timestamptz,
        abandoned_at timestamptz,
        error text,
        job text NOT NULL,
        table_name text NOT NULL,
        table_identity text NOT NULL,
        table_oid bigint,
        source_fingerprint text NOT NULL,
        source_path text,
        source_size bigint,
        source_modified_at bigint,
        job_digest text NOT NULL,
        checkpoint_directory text,
        end_chunk integer,
        end_offset bigint,
        end_row bigint,
        end_line bigint,
        swapped boolean NOT NULL DEFAULT false,
        witness text NOT NULL,
        resolved text NOT NULL
      );
      CREATE UNIQUE INDEX sync_metadata_identity
        ON \(metadata) (table_identity, source_fingerprint, job_digest)
        WHERE abandoned_at IS NULL;
      CREATE INDEX sync_metadata_table ON \(metadata) (table_identity);

      CREATE TABLE \(leases) (
        sync_id text PRIMARY KEY,
        fence bigint NOT NULL,
        token text NOT NULL,
        host text NOT NULL,
        pid integer NOT NULL,
        process_start text NOT NULL,
        expires_at timestamptz NOT NULL
      );

      CREATE TABLE \(ledger) (
        sync_id text NOT NULL,
        chunk_id integer NOT NULL,
        start_offset bigint NOT NULL,
        start_row bigint NOT NULL,
        start_line bigint NOT NULL,
        end_offset bigint NOT NULL,
        end_row bigint NOT NULL,
        end_line bigint NOT NULL,
        content_digest text NOT NULL,
        records_total bigint NOT NULL DEFAULT 0,
        records_inserted bigint NOT NULL DEFAULT 0,
        records_updated bigint NOT NULL DEFAULT 0,
        records_unchanged bigint NOT NULL DEFAULT 0,
        records_superseded bigint NOT NULL DEFAULT 0,
        records_kept bigint NOT NULL DEFAULT 0,
        records_failed bigint NOT NULL DEFAULT 0,
        fence bigint NOT NULL,
        committed_at timestamptz NOT NULL,
        CONSTRAINT \(Self.markConstraint) PRIMARY KEY (sync_id, chunk_id)
      );

      CREATE TABLE \(rejects) (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        sync_id text NOT NULL,
        chunk_id integer NOT NULL,
        row bigint NOT NULL,
        line bigint NOT NULL,
        byte_offset bigint NOT NULL,
        column_name text,
        rule text NOT NULL,
        reason text NOT NULL,
        raw bytea,
        watched boolean NOT NULL DEFAULT false,
        rejected_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        replayed text,
        replayed_at timestamptz
      );
      CREATE INDEX rejects_row ON \(rejects) (sync_id, row);
      CREATE INDEX rejects_watched ON \(rejects) (sync_id, rejected_at)
        WHERE watched AND replayed IS NULL;

      CREATE TABLE \(steps) (
        sync_id text NOT NULL,
        step text NOT NULL,
        performed_at timestamptz NOT NULL,
        PRIMARY KEY (sync_id, step)
      );

      CREATE TABLE \(keySets) (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        scope text NOT NULL,
        key_columns text NOT NULL,
        UNIQUE (scope, key_columns)
      );
      CREATE TABLE \(keys) (
        set_id bigint NOT NULL,
        hash bigint NOT NULL,
        sequence bigint,
        chunk_id integer,
        row bigint,
        watched boolean NOT NULL DEFAULT false,
        key text[] NOT NULL
      );
      CREATE INDEX recorded_keys_hash ON \(keys) (set_id, hash);
      CREATE INDEX recorded_keys_watched ON \(keys) (set_id) WHERE watched;
      """,
      EntityTable(state: self).creation,
      StageTables(state: self).sql,
      JobTable(state: self).creation,
      // By the versions before, a finish was told by what the run said then.
      """
      ALTER TABLE \(metadata) ADD COLUMN rows_in_place boolean NOT NULL DEFAULT false;
      UPDATE \(metadata) SET rows_in_place = true
      WHERE completed_at IS NOT NULL OR phase = 'finishing';
      """,
      EntityTable(state: self).completedLists,
    ]
  }

  /// The constraint whose violation says that a chunk has its mark already.
  static let markConstraint = "chunk_ledger_pkey"

  private var versions: String { table("schema_version") }

  private var base: String {
    """
    CREATE SCHEMA IF NOT EXISTS \(name.quotedIdentifier);
    CREATE TABLE IF NOT EXISTS \(versions) (
      version integer PRIMARY KEY, migrated_at timestamptz NOT NULL);
    """
  }

  /// The statements that make the schema and its tables out of nothing, for whoever may create them.
  var sql: String {
    var parts = ["BEGIN;", base]
    for (number, migration) in migrations.enumerated() {
      parts += [migration, "INSERT INTO \(versions) VALUES (\(number + 1), now());"]
    }
    return (parts + ["COMMIT;", ""]).joined(separator: "\n")
  }

  /// The version of the tables in the database: 0 when there are none.
  ///
  /// - Throws: ``SinkError/fatal(_:remedy:)`` when it is one that this program does not know.
  func versionFound(on connection: Connection) throws -> Int {
    // Not to_regclass: it may answer from before a lock that was waited for.
    guard
      try connection.query(
        """
        SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = 'schema_version'
        """, [.text(name)]
      ).rowCount > 0
    else { return 0 }
    let found = Int(
      try connection.query("SELECT max(version) FROM \(versions)").integer(0, 0) ?? 0)
    guard found <= Self.version else {
      throw SinkError.fatal(
        "the state tables in schema '\(name)' have version \(found); this program knows them up to "
          + "version \(Self.version)",
        remedy: "Use the newer cairn that wrote them.")
    }
    return found
  }

  /// Makes the tables, or brings them to the current version, in one transaction.
  func migrate(on connection: Connection) throws {
    var found = try versionFound(on: connection)
    guard found < Self.version else { return }
    do {
      try connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
      // Several that begin at once: one creates, the others find it done.
      try connection.query(
        "SELECT pg_advisory_xact_lock($1)", [.integer(TargetLock.key(of: "state \(name)"))])
      found = try versionFound(on: connection)
      if found == 0 {
        // Asked first: CREATE … IF NOT EXISTS wants the right to create even where nothing is to be
        // done.
        if try connection.query("SELECT FROM pg_namespace WHERE nspname = $1", [.text(name)])
          .rowCount == 0
        {
          try connection.execute("CREATE SCHEMA \(name.quotedIdentifier)")
        }
        try connection.execute(
          """
          CREATE TABLE IF NOT EXISTS \(versions) (
            version integer PRIMARY KEY, migrated_at timestamptz NOT NULL)
          """)
      }
      while found < Self.version {
        try connection.execute(migrations[found])
        found += 1
        try connection.query(
          "INSERT INTO \(versions) VALUES ($1, now())", [.integer(found)])
      }
      try connection.commitDurably()
    } catch let failure as PostgresFailure where failure.state == "42501" {
      guard found == 0 else {
        throw SinkError.fatal(
          "the state tables in schema '\(name)' have version \(found), this program needs version"
            + " \(Self.version), and this role may not alter them: \(failure.message)",
          remedy: "Let their owner run this: cairn schema --create")
      }
      throw SinkError.fatal(
        "the state tables are missing in schema '\(name)', and this role may not create them: "
          + failure.message,
        remedy: "Let somebody who may create them run what this prints: cairn schema --print-sql")
    }
  }
}

/// The sink's clock: the server's, in SQL.
enum SinkClock {
  /// Now; unlike `now()` it goes on within a transaction.
  static let now = "clock_timestamp()"

  /// The seconds from one time to another.
  static func seconds(from start: String, to end: String) -> String {
    "extract(epoch FROM (\(end) - \(start)))::double precision"
  }

  /// Now and as many seconds as a parameter says.
  static func later(by parameter: String) -> String {
    "clock_timestamp() + make_interval(secs => \(parameter)::double precision)"
  }

  /// A `timestamptz` in ISO 8601 UTC to the millisecond.
  static func text(_ expression: String) -> String {
    "to_char(\(expression) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
  }
}
