/// A sink that keeps the marks of entity batches: rows, last entity, progress and state of a batch in
/// one transaction.
///
/// A checkpoint is there once for each processor and partition. It belongs to a run, whose lease is
/// like that of a load: ``Sink/renew(_:duration:)`` and ``Sink/release(_:)`` take it. Every method
/// throws ``SinkError``.
public protocol EntityBatchSink: Sink {
  /// The checkpoints that satisfy a filter, those of the latest commit first. Empty where there are no
  /// state tables yet.
  func entityCheckpoints(_ filter: EntityCheckpointFilter) async throws -> [EntityCheckpoint]

  /// Begins a run over the entities of a partition, leased to `owner`.
  ///
  /// All of it is decided in one transaction, so that of two processes one begins, and none does what
  /// another has completed meanwhile.
  ///
  /// - Parameters:
  ///   - replacing: The run whose checkpoint is given up for it, how many of its entities were done when
  ///     that was decided, and how it goes into the history: `expired` or `discarded`. Where its owner
  ///     has gone on since, the outcome is ``EntityBeginOutcome/exists(_:)``.
  ///   - unlessCompleted: Whether nothing begins where the last completed run of the processor and
  ///     partition had the same ``NewEntityRun/listDigest`` and ``NewEntityRun/table``.
  func beginEntities(
    _ new: NewEntityRun, replacing: (run: SyncID, completed: Int, as: EntityAttempt.Ending)?,
    unlessCompleted: Bool, owner: LeaseOwner, leaseDuration: Duration
  ) async throws -> EntityBeginOutcome

  /// Takes the lease of a run with the next fence and counts a new attempt, if it is free as
  /// ``Sink/acquireLease(of:owner:duration:takeOver:)`` understands it. An attempt before that was
  /// killed goes into the history.
  func acquireEntities(
    of syncID: SyncID, owner: LeaseOwner, duration: Duration, takeOver: Bool
  ) async throws -> EntityLeaseOutcome

  /// Prepares a batch's rows for the commit. May run while another batch commits.
  func stage(_ work: EntityWork) async throws -> any StagedEntities

  /// The statement that commits a mark in a transaction of somebody else's client on the same
  /// database. It yields one row where the mark holds, and none where it does not: the lease was lost,
  /// or the sink knows of other entities as done. It locks the lease until the transaction ends.
  func markStatement(for mark: EntityMark, under lease: Lease) -> MarkStatement

  /// Records that a batch failed. Fenced.
  func recordEntityFailure(_ error: String, under lease: Lease) async throws

  /// Ends an attempt, in one fenced, durable transaction: writes it into the history, with the digest of
  /// its list and the name of its table, and gives the lease back. Completed, it replaces the partition
  /// if asked to, and clears the checkpoint; the history keeps its state if asked to, and forgets those
  /// that the processor's earlier runs kept: of the same partition, and of any that ended longer ago
  /// than ``EntityEnd/stateExpiry``.
  ///
  /// - Returns: The runs whose state was forgotten.
  /// - Throws: ``SinkError/loadUnfinished(_:)`` when a partition is to be replaced and a run of its
  ///   table may still write rows.
  @discardableResult
  func endEntities(_ end: EntityEnd, under lease: Lease) async throws -> [SyncID]

  /// The attempts that satisfy a filter, latest first. Empty where there are no state tables yet.
  func entityAttempts(_ filter: EntityAttemptFilter) async throws -> [EntityAttempt]

  /// Deletes the checkpoints without a commit since `age`, by the sink's clock, whose lease nobody
  /// holds, with what their runs left behind; they go into the history as `cleaned`.
  ///
  /// - Returns: Those that it deleted.
  func removeEntityCheckpoints(olderThan age: Duration) async throws -> [EntityCheckpoint]
}

/// Whether a run over entities began.
public enum EntityBeginOutcome: Sendable {
  /// It began, leased to the caller.
  case began(EntityCheckpoint, Lease)
  /// The partition has a checkpoint already.
  case exists(EntityCheckpoint)
  /// The checkpoint that was to be given up is being worked on.
  case held(LeaseHolder)
  /// The partition's last completed run did the same list for the same table; nothing was begun, and
  /// the checkpoint that was to be given up is there yet.
  case completed(CompletedEntities)
}

/// A completed run, as the history has it.
public struct CompletedEntities: Sendable, Hashable {
  /// The attempt that completed it.
  public var attempt: EntityAttempt
  /// The state of its last batch, if it was kept and is not forgotten yet.
  public var state: StoredState?

  /// Describes a completed run.
  public init(attempt: EntityAttempt, state: StoredState? = nil) {
    self.attempt = attempt
    self.state = state
  }
}

/// Whether the lease of a run over entities was acquired.
public enum EntityLeaseOutcome: Sendable {
  /// It is the caller's; the checkpoint as of now.
  case acquired(Lease, EntityCheckpoint)
  /// Somebody else has it.
  case held(LeaseHolder)
  /// The run is over: its checkpoint is cleared.
  case gone
}

/// A batch's results, on their way to the sink.
public struct EntityWork: Sendable {
  /// The run.
  public var run: SyncID
  /// The rows and where they go; nil for a mark alone.
  public var rows: Rows?

  /// Rows and their target.
  public struct Rows: Sendable {
    /// The target; in mode `replace` its rows wait beside it until the partition is replaced.
    public var target: TargetTable
    /// The rows; its columns are the target's, in the target's order.
    public var batch: RecordBatch

    /// Makes rows.
    public init(target: TargetTable, batch: RecordBatch) {
      self.target = target
      self.batch = batch
    }
  }

  /// Makes work for a sink.
  public init(run: SyncID, rows: Rows? = nil) {
    self.run = run
    self.rows = rows
  }
}

/// A batch that is ready to be committed.
public protocol StagedEntities: Sendable {
  /// Commits rows and mark, in one transaction. May be called again after an error that was
  /// ``SinkError/transient(_:)``: a commit whose answer was lost is recognised.
  ///
  /// - Throws: ``SinkError``; the transaction is rolled back then.
  ///   ``SinkError/tooManyRejects(found:sample:)`` when the database refuses a row;
  ///   ``SinkError/loadUnfinished(_:)`` when a run of the target may still write rows, which would
  ///   overwrite newer ones. Rows of a partition that is replaced do not wait for it.
  func commit(_ mark: EntityMark, under lease: Lease) async throws -> EntityCommitOutcome
}

/// How the commit of a batch ended.
public enum EntityCommitOutcome: Sendable {
  /// It is committed, in so much time.
  case committed(RowCounts, CommitSeconds)
  /// It had been committed before; nothing was written.
  case alreadyCommitted
  /// The sink has other entities as done than the mark says: commits that it acknowledged are gone.
  case behind(CompletedRanges)
}
