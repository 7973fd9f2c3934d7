/// What is committed of a job's run, and the commits that add to it, all under the attempt's lease.
///
/// Each commit writes the next generation of the checkpoint. A database that fails over may lose commits
/// that it had acknowledged; the next commit notices, and what there is then is read anew.
struct JobLedger: Sendable {
  private let job: CursorJob
  private let lease: Lease
  private let planned: RecoveryPlan.Basis
  private let retry: TransientRetry
  private let watch: JobWatch
  private let journal: JobJournal
  private var reloads = 0
  /// Whether ``checkpoint`` is the begin of a run, of which nothing is saved.
  private var isBegin: Bool

  /// The checkpoint of the interrupted run that this attempt goes on with or begins anew; nil when there
  /// was none.
  let recovered: JobCheckpoint?
  private let targetHasRows: Bool
  /// What is committed.
  private(set) var checkpoint: JobCheckpoint
  /// The newest generation.
  private(set) var generation: Int
  /// The size of the last checkpoint that was saved.
  private(set) var checkpointBytes = 0
  /// How the tables stand by what was committed.
  var tables = TableMarks()
  /// Facts for the next commit.
  var facts: [JobFact] = []

  private var sink: any CursorJobSink { job.sink }
  private var environment: RunEnvironment { job.options.environment }

  init(
    job: CursorJob, claimed: JobClaim.Claimed, retry: TransientRetry, watch: JobWatch,
    journal: JobJournal
  ) {
    self.job = job
    lease = claimed.lease
    planned = claimed.plan.plan.basis
    self.retry = retry
    self.watch = watch
    self.journal = journal
    generation = claimed.schedule.generation
    checkpoint =
      JobBegin(
        job: job, run: claimed.run, basis: planned, choice: claimed.plan.choice,
        targetHasRows: claimed.plan.target.hasRows, now: job.options.environment.now()
      ).checkpoint()
    targetHasRows = claimed.plan.target.hasRows
    if planned == .lastRun, let last = claimed.plan.choice.chosen?.checkpoint.tables, !last.isEmpty
    {
      tables = TableMarks(last)
    }
    isBegin = planned != .checkpoint
    switch planned {
    case .checkpoint: recovered = checkpoint
    case .restart: recovered = claimed.plan.choice.chosen?.checkpoint
    case .nothing, .lastRun: recovered = nil
    }
  }

  /// What a commit did.
  struct Saved: Sendable {
    /// Rows by table; nil when the answer was lost.
    var counts: [String: RowCounts]?
    /// Rows that were deleted.
    var deleted = 0
  }

  /// Commits a checkpoint with what is staged, and takes it over.
  ///
  /// - Returns: What it did; nil when commits that the sink acknowledged are gone, and nothing was done.
  mutating func save(
    _ next: JobCheckpoint, with staged: any StagedJobWork, facts more: [JobFact] = []
  ) async throws -> Saved? {
    var next = next
    next.timestamp = environment.now() / 1000 * 1000
    // Once the API has told its time, the run's begin is by that.
    if isBegin { next.runBegan += watch.clockAhead }
    next.runBegan = next.runBegan / 1000 * 1000
    let encoded = next.encoded(as: job.source.layout)
    guard encoded.isReadable else {
      throw CursorJobError.invalid(
        "job '\(job.name)': its checkpoint would have \(encoded.plainBytes) bytes, and none above"
          + " \(EncodedCheckpoint.maximumBytes) can be read again; split the job's partitions into"
          + " several jobs")
    }
    if encoded.isOversized { journal.oversized(encoded) }
    let new = NewJobCheckpoint(
      generation: generation + 1, data: encoded.data, digest: encoded.digest,
      facts: facts + more + [
        JobFact(.checkpoint, detail: next.checkpointPhase, amount: encoded.bytes)
      ])
    let lease = lease
    let outcome = try await retry.run { try await staged.commit(new, under: lease) }
    if case .behind = outcome { return nil }
    facts = []
    isBegin = false
    checkpoint = next
    generation += 1
    checkpointBytes = encoded.bytes
    journal.saved(checkpoint, generation: generation, encoded)
    guard case .committed(let counts, let deleted, _) = outcome else { return Saved() }
    return Saved(counts: counts, deleted: deleted)
  }

  /// Saves a checkpoint without a page.
  ///
  /// - Returns: False when commits that the sink acknowledged are gone.
  mutating func save(
    trigger: String, facts more: [JobFact] = [],
    _ change: (inout JobCheckpoint) -> Void = { _ in }
  ) async throws -> Bool {
    var next = checkpoint
    next.trigger = trigger
    next.boundaries = []
    next.rateLimit = watch.rateLimit ?? next.rateLimit
    next.tables = tables.forCheckpoint
    change(&next)
    let sink = sink
    let staged = try await retry.run { try await sink.stage(JobWork(rows: [])) }
    return try await save(next, with: staged, facts: more) != nil
  }

  /// Changes how a partition stands until the next commit, which saves it.
  mutating func change(_ partition: Partition, _ body: (inout JobQueue.Entry) -> Void) {
    checkpoint.queue.change(partition.phase, partition.name, body)
  }

  /// The newest checkpoint that the sink has now.
  func stored() async throws -> CheckpointChoice {
    let sink = sink
    let name = job.name
    return CheckpointChoice.choose(
      try await retry.run { try await sink.jobCheckpoints(of: name) }, for: job.owner,
      layout: job.source.layout)
  }

  /// Takes over what is there, once commits that the sink acknowledged are gone.
  ///
  /// - Throws: ``CursorJobError/commitsLost(job:)`` when that happens again and again.
  mutating func reload() async throws {
    journal.commitsLost()
    reloads += 1
    guard reloads <= 3 else { throw CursorJobError.commitsLost(job: job.name) }
    let choice = try await stored()
    let sink = sink
    let name = job.name
    generation =
      try await retry.run { try await sink.jobs(named: [name]) }.first?.generation ?? 0
    let basis = Self.basis(planned, of: lease.syncID, in: choice)
    checkpoint =
      JobBegin(
        job: job, run: lease.syncID, basis: basis, choice: choice, targetHasRows: targetHasRows,
        now: environment.now()
      ).checkpoint()
    isBegin = basis != .checkpoint
    tables = TableMarks()
  }

  /// From where a run goes on whose last commits are lost.
  static func basis(
    _ planned: RecoveryPlan.Basis, of run: SyncID, in choice: CheckpointChoice
  ) -> RecoveryPlan.Basis {
    guard let last = choice.chosen?.checkpoint, planned != .nothing || last.run == run else {
      return .nothing
    }
    if last.run == run { return .checkpoint }
    // All of its own are lost: it is as if it had not begun.
    return last.isFinished ? .lastRun : .restart
  }

  /// Ends the attempt: status, history, next run, in one fenced transaction.
  mutating func end(_ end: JobEnd) async throws {
    var end = end
    end.facts = facts + end.facts
    // A run whose last pages the database has lost is not finished.
    if end.status == .finished { end.generation = generation }
    let ending = end
    let lease = lease
    let sink = sink
    try await retry.run { try await sink.endJob(ending, under: lease) }
    facts = []
  }
}
