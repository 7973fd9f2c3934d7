/// A sink that keeps the cursors of jobs: the rows of a page, in all its tables, and the cursor after
/// it, in one transaction.
///
/// Each job is a row of `job_schedules`; the last three generations of its checkpoint are rows of
/// `job_checkpoints`, what happened to it rows of `job_history`. A job that is worked on has a lease
/// like a load's, under the id of its run: ``Sink/renew(_:duration:)`` and ``Sink/release(_:)`` take
/// it. Every method throws ``SinkError``.
public protocol CursorJobSink: Sink {
  /// The jobs, by name; those named only, if any are. Empty where there are no state tables yet.
  func jobs(named names: [String]) async throws -> [JobSchedule]

  /// Enters a job, or changes what it says of itself (type, scope, next run) if it is there. Status,
  /// checkpoint and counts stay. A new job is due at once if it has an interval.
  func registerJob(_ job: NewJob) async throws -> JobSchedule

  /// Takes a job's lease for an attempt, if it is free as
  /// ``Sink/acquireLease(of:owner:duration:takeOver:)`` understands it, and the job is as it was looked
  /// at: status `RUNNING`, due until it says how it ended. The history gets `started`, and `crashed` of
  /// an attempt before that was killed. Beginning a run ends every right to commit for the one before.
  /// May be called again with the same request when its answer was lost.
  func acquireJob(_ request: JobLeaseRequest) async throws -> JobLeaseOutcome

  /// The generations of a job's checkpoint, newest first.
  func jobCheckpoints(of name: String) async throws -> [StoredJobCheckpoint]

  /// Creates the table or checks that it fits, and adds the columns that it lacks if told to evolve.
  ///
  /// - Returns: The names of the columns that rows may have: with `ignore`, those that the target has.
  func prepareRecordTable(
    _ table: RecordTable, named name: String, evolution: FieldEvolution
  ) async throws -> [String]

  /// Whether a table of that name is there, and has rows. Creates nothing, and counts nothing.
  func standing(ofTable name: String) async throws -> TableStanding

  /// Prepares a page's rows for the commit. May run while another page commits.
  func stage(_ work: JobWork) async throws -> any StagedJobWork

  /// Records facts of a job for its history: a checkpoint that was found damaged, a recovery. Not
  /// fenced.
  func record(_ facts: [JobFact], of name: String) async throws

  /// Ends an attempt in one fenced, durable transaction: status, error, retry count (one more after a
  /// failure, 0 after an end, as it was after a stop), next run, history; gives the lease back. May be
  /// called again when its answer was lost.
  func endJob(_ end: JobEnd, under lease: Lease) async throws

  /// Pauses a job, lets it go on with the status that it had, or resets it: its checkpoint is moved
  /// aside (a generation that is not gone on from), its next run begins anew. Refused while anybody's
  /// lease is alive; where it has expired, whoever had it can commit no more.
  func change(_ change: JobChange, of name: String) async throws -> JobSchedule

  /// What happened to jobs, latest first.
  func jobHistory(_ filter: JobHistoryFilter) async throws -> [JobFact]

  /// How the rows of a table stand, for the check after a recovery. It may take long; leases are
  /// renewed meanwhile.
  func keyCheck(of table: RecordTable, named name: String) async throws -> KeyCheck
}

/// How a table stands, as a look into it tells.
public enum TableStanding: Sendable, Hashable, CaseIterable {
  /// There is none.
  case absent
  /// It has no rows.
  case empty
  /// It has rows.
  case filled
}

/// What a sink finds of a table's keys.
public struct KeyCheck: Sendable, Hashable {
  /// How many rows there are.
  public var rows: Int
  /// How many keys are there more than once, or are null. More than 0 only where no unique index stands
  /// guard.
  public var duplicates: Int

  /// Makes it.
  public init(rows: Int, duplicates: Int) {
    self.rows = rows
    self.duplicates = duplicates
  }
}

/// What a page writes.
public struct JobWork: Sendable {
  /// The rows, by table.
  public var rows: [Rows]
  /// Child tables that are complete for some parents.
  public var replacedChildren: [(table: RecordTable, name: String, of: ReplacedChildren)]
  /// Stretches of keys that are complete.
  public var sweeps: [(tables: [(table: RecordTable, name: String)], sweep: KeySweep)]
  /// The tables that rows of ``replacedChildren`` may have rows of their own in: all of the source's.
  /// These are deleted with them.
  public var tables: [(table: RecordTable, name: String)]

  /// Rows of a table.
  public struct Rows: Sendable {
    /// The table.
    public var table: RecordTable
    /// Its name in the target.
    public var name: String
    /// The rows.
    public var batch: RecordBatch

    /// Makes rows.
    public init(table: RecordTable, name: String, batch: RecordBatch) {
      self.table = table
      self.name = name
      self.batch = batch
    }
  }

  /// Makes work for a sink.
  ///
  /// - Parameters:
  ///   - sweeps: Each with the table that is swept first, and then those that belong to it.
  ///   - tables: All of the source's, so that children that vanish take theirs along.
  public init(
    rows: [Rows], replacedChildren: [(table: RecordTable, name: String, of: ReplacedChildren)] = [],
    sweeps: [(tables: [(table: RecordTable, name: String)], sweep: KeySweep)] = [],
    tables: [(table: RecordTable, name: String)] = []
  ) {
    self.rows = rows
    self.replacedChildren = replacedChildren
    self.sweeps = sweeps
    self.tables = tables
  }
}

extension JobWork {
  /// The names of the tables of which it may delete rows.
  var tablesThatMayShrink: Set<String> {
    var found = Set(sweeps.flatMap { $0.tables.map(\.name) })
    var parents = Set(replacedChildren.map(\.table.name))
    found.formUnion(replacedChildren.map(\.name))
    while !parents.isEmpty {
      let children = tables.filter { candidate in
        candidate.table.parent.map { parents.contains($0.table) } == true
          && !found.contains(candidate.name)
      }
      found.formUnion(children.map(\.name))
      parents = Set(children.map(\.table.name))
    }
    return found
  }
}

/// A page that is ready to be committed.
public protocol StagedJobWork: Sendable {
  /// Commits rows, deletions and checkpoint in one transaction. May be called again after an error that
  /// was ``SinkError/transient(_:)``: a commit whose answer was lost is recognised by its generation.
  ///
  /// - Throws: ``SinkError``; the transaction is rolled back then.
  func commit(
    _ checkpoint: NewJobCheckpoint, under lease: Lease
  ) async throws -> JobCommitOutcome
}

/// How the commit of a page ended.
public enum JobCommitOutcome: Sendable {
  /// It is committed: counts by the name of the table in the target, rows that were deleted, time.
  case committed([String: RowCounts], deleted: Int, CommitSeconds)
  /// It had been committed before; nothing was written.
  case alreadyCommitted
  /// The newest checkpoint is older than this one's predecessor: commits that the sink acknowledged are
  /// gone, rows and marks. The job goes on from the checkpoint that is there.
  case behind(generation: Int)
}
