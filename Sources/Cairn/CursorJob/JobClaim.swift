/// Finds out what a job does next, and takes its lease.
struct JobClaim: Sendable {
  let job: CursorJob

  private var sink: any CursorJobSink { job.sink }
  private var options: CursorJobOptions { job.options }

  /// Looks, and writes nothing.
  ///
  /// - Parameter before: What was seen before. Tables that were gone then and are there by now, since
  ///   they have just been created, lack the rows all the same.
  func look(after before: JobPlan? = nil) async throws -> JobPlan {
    let schedule = try await sink.jobs(named: [job.name]).first
    let generations = schedule == nil ? [] : try await sink.jobCheckpoints(of: job.name)
    var target = TargetStanding()
    for table in job.source.tables {
      let name = job.tablePrefix + table.name
      target.tables[name] = try await sink.standing(ofTable: name)
    }
    let choice = CheckpointChoice.choose(
      generations, for: job.owner, layout: job.source.layout)
    var change = choice.chosen.flatMap { target.change(since: $0.checkpoint) }
    if change == nil, let chosen = choice.chosen {
      let doubtful = target.doubtful(since: chosen.checkpoint)
      if !doubtful.isEmpty, try await cameToNothing() {
        change = TargetStanding.stillLacking(doubtful)
      }
    }
    if let before, before.choice.chosen?.generation == choice.chosen?.generation {
      change = before.targetChange ?? change
    }
    return plan(schedule, generations, choice, target, change)
  }

  /// Whether the last attempt was to read everything, and was killed before it committed anything.
  private func cameToNothing() async throws -> Bool {
    let last = try await sink.jobHistory(
      JobHistoryFilter(job: job.name, kinds: [.beganAnew, .checkpoint, .finished], limit: 1))
    return last.first?.kind == .beganAnew
  }

  private func plan(
    _ schedule: JobSchedule?, _ generations: [StoredJobCheckpoint], _ choice: CheckpointChoice,
    _ target: TargetStanding, _ targetChange: String?
  ) -> JobPlan {
    var standing = RecoveryPlan.Standing(status: .pending, checkpoint: choice.standing)
    standing.recovery = options.recovery ?? job.source.recovery
    if let checkpoint = choice.chosen?.checkpoint {
      standing.scopeChanged =
        !checkpoint.scopeDigest.isEmpty && checkpoint.scopeDigest != job.registration.scopeDigest
      standing.isOfThisRun = checkpoint.run == schedule?.run
      standing.targetChange = targetChange
    }
    if let schedule {
      standing.status = schedule.status
      standing.retryCount = schedule.retryCount
      standing.sinceEnd = schedule.sinceEnd
      if generations.isEmpty { standing.lostGeneration = schedule.generation }
      standing.holder = schedule.holder.flatMap { holder in
        holder.owner.isAliveOnThisHost && !options.takeOver ? holder : nil
      }
    }
    return JobPlan(
      job: job.name, schedule: schedule,
      plan: RecoveryPlan.of(standing, backoff: options.backoff), choice: choice, target: target,
      targetChange: targetChange)
  }

  /// What a job that this process owns begins with.
  struct Claimed {
    var lease: Lease
    var schedule: JobSchedule
    var plan: JobPlan
    /// The id of the run.
    var run: SyncID
  }

  /// Takes the lease, if what was planned still holds.
  ///
  /// - Returns: What to begin with; nil when the job is to be looked at again.
  /// - Throws: ``CursorJobError``, ``SinkError``.
  func claim(_ looked: JobPlan, retry: TransientRetry) async throws -> Claimed? {
    // A checkpoint that was brought here from elsewhere has no run to go on with yet.
    let goesOn = looked.plan.basis == .checkpoint && looked.schedule?.run != nil
    let begins: SyncID? = goesOn ? nil : SyncID(environment: options.environment)
    // One for all tries: an answer may be lost.
    let request = JobLeaseRequest(
      job: job.name, run: begins, witness: looked.witness, owner: .current(),
      duration: options.leaseDuration, takeOver: options.takeOver)
    switch try await retry.run({ try await sink.acquireJob(request) }) {
    case .held(let holder): throw CursorJobError.ownedElsewhere(job: job.name, holder)
    case .paused: throw CursorJobError.paused(job: job.name)
    // It was removed, reset, or gone on with by somebody else.
    case .unknown, .changed: return nil
    case .acquired(let lease, let schedule):
      return Claimed(lease: lease, schedule: schedule, plan: looked, run: lease.syncID)
    }
  }

  /// Throws where the plan has an obstacle.
  func refuse(_ looked: JobPlan) throws {
    switch looked.plan.obstacle {
    case nil: return
    case .paused: throw CursorJobError.paused(job: job.name)
    // Whose it is the sink decides, when the lease is to be taken.
    case .held: return
    case .invalidCheckpoint:
      throw CursorJobError.noValidCheckpoint(job: job.name, looked.choice.refused)
    }
  }
}
