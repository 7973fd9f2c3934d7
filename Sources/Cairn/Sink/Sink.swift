/// Where rows land, and with them, in the same transaction, the mark that says so.
///
/// A sink keeps Cairn's state (runs, ledger, rejects, leases) in the database of the target. It is
/// the truth about what was committed. `CairnTesting` has the conformance battery that every sink
/// passes. Every method throws ``SinkError``.
public protocol Sink: Sendable {
  /// Where the sink is, without secrets, for messages: `sqlite:transport.db`.
  var location: String { get }

  // MARK: Runs

  /// Creates Cairn's state tables or migrates them; refuses a version it does not know.
  func prepareState() async throws

  /// The runs that satisfy a filter, newest first. Empty where there are no state tables yet.
  func runs(_ filter: RunFilter) async throws -> [RunRecord]

  /// Begins a run: inserts it with the next sequence number and fence 1, leased to `owner`.
  ///
  /// - Returns: ``BeginOutcome/exists(_:)`` when a run of the same target, fingerprint and job
  ///   digest that is not abandoned is there already, also one that appeared just now.
  func begin(_ run: NewRun, owner: LeaseOwner, leaseDuration: Duration) async throws -> BeginOutcome

  /// Marks a run abandoned, so that its source may be loaded anew; drops its shadow table and
  /// recorded keys. Refused while another owner's lease is alive.
  func abandon(_ syncID: SyncID, owner: LeaseOwner) async throws

  /// Records how an attempt stands or ended: status, phase, error. Fenced.
  func update(_ update: RunUpdate, under lease: Lease) async throws

  // MARK: Lease

  /// Takes the lease of a run with the next fence and counts a new attempt, if it is free, expired
  /// by the sink's clock, owned by a dead process of this host, or `takeOver` is set.
  func acquireLease(
    of syncID: SyncID, owner: LeaseOwner, duration: Duration, takeOver: Bool
  ) async throws -> LeaseOutcome

  /// Prolongs a lease. Throws ``SinkError/fenced(_:)`` when it was taken over.
  func renew(_ lease: Lease, duration: Duration) async throws

  /// Gives a lease back. Does nothing when it was taken over.
  func release(_ lease: Lease) async throws

  // MARK: Target

  /// Checks whether the target fits, as ``prepareTarget(_:)`` does, but writes nothing.
  ///
  /// - Returns: Whether the table exists.
  /// - Throws: ``SinkError/targetMismatch(table:problems:remedy:)`` when it does not fit.
  func checkTarget(_ target: TargetTable) async throws -> Bool

  /// Creates the target if there is none, or checks that it fits; never changes an existing one,
  /// except that it adds columns where the request allows it.
  ///
  /// - Returns: A witness by which ``targetDamage(of:target:)`` notices that the table was recreated.
  func prepareTarget(_ target: TargetTable) async throws -> TargetWitness

  /// Notices a target that was dropped, recreated or emptied since the run's first commit.
  ///
  /// - Returns: What happened, in words, or nil when all is well.
  func targetDamage(of run: RunRecord, target: TargetTable) async throws -> String?

  // MARK: Commit

  /// The committed chunks of a run, ascending by chunk.
  func ledger(of syncID: SyncID) async throws -> [LedgerEntry]

  /// Prepares a chunk's rows for the commit. May run while another chunk commits.
  func stage(_ work: ChunkWork) async throws -> any StagedChunk

  /// Records where the source ends; before the last chunk commits. Fenced.
  func recordEnd(_ end: SourceEnd, of syncID: SyncID, under lease: Lease) async throws

  // MARK: Finish

  /// Ends a run, in one fenced, durable transaction: proves from the ledger that every chunk up to
  /// the end mark is committed and that the rows add up, swaps in replace mode, sets the status. With
  /// the status `processing` the rows are in place then, but the run is not over: steps follow.
  func finish(_ request: FinishRequest, under lease: Lease) async throws -> RunRecord

  /// Refreshes a materialized view once the rows of a run are in place, in one transaction with the
  /// mark that says so; does nothing where the mark is. Fenced. Readers of the view go on meanwhile,
  /// where the database and the view allow it.
  ///
  /// - Parameter view: Its name, `view` or `schema.view`, as the user wrote it.
  func refresh(_ view: String, under lease: Lease) async throws

  // MARK: Rejects

  /// Rejects of a run in row order, from position `offset` on, at most `limit`.
  func rejects(of syncID: SyncID, offset: Int, limit: Int) async throws -> [Reject]

  /// Writes corrected rows and marks the rejects that they replace, in one transaction. Never
  /// overwrites a newer row: one that a later row of the run, or a later run, has written.
  ///
  /// - Returns: For each row what became of it.
  func replay(_ replay: Replay) async throws -> [ReplayFate]
}

/// A chunk that is ready to be committed.
public protocol StagedChunk: Sendable {
  /// Commits, in one transaction: checks the fence, inserts the mark, rejects, merges, counts. May be
  /// called again after an error that was ``SinkError/transient(_:)``.
  ///
  /// A database that crashes may forget the chunk, but only with its mark: until the run is finished
  /// the ledger alone says what is committed.
  ///
  /// - Parameters:
  ///   - lease: The right to commit.
  ///   - rejectAllowance: The most rejects the chunk may have in all, the database's own included;
  ///     with more the transaction is rolled back and ``SinkError/tooManyRejects(found:sample:)``
  ///     thrown.
  /// - Returns: What was counted; ``CommitOutcome/alreadyCommitted(_:)`` when the mark was there.
  /// - Throws: ``SinkError``; the transaction is rolled back then.
  func commit(under lease: Lease, rejectAllowance: Int) async throws -> CommitOutcome

  /// Drops what was staged.
  func discard() async
}
