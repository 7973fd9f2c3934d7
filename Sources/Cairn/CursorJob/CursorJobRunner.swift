/// Takes a job from where it stands to the end of its run.
///
/// The one place that knows the order of the steps:
///
/// ```
/// schedule ─▶ plan ─▶ lease ─▶ checkpoint ─▶ phase by phase:
///   [ page ─▶ stage ─▶ rows + deletions + checkpoint, one transaction ]… ─▶ checks ─▶ end
/// ```
///
/// Several partitions of a phase are asked for at once; commits go one after the other.
struct CursorJobRunner: Sendable {
  private let job: CursorJob
  private let deadline: ContinuousClock.Instant?
  private let show: @Sendable (JobProgress) -> Void
  private let start = ContinuousClock.now
  /// Raised by a signal, the deadline or a cancelled task: whatever waits stops at once.
  private let halt = StopRequest()
  private let watch: JobWatch
  private var journal: JobJournal
  private var report: JobReport

  init(job: CursorJob, deadline: Duration?, progress: @escaping @Sendable (JobProgress) -> Void) {
    self.job = job
    self.deadline = deadline.map { ContinuousClock.now + $0 }
    show = progress
    watch = JobWatch(environment: job.options.environment)
    journal = JobJournal(job)
    report = JobReport(job: job.name, type: job.source.type)
  }

  private var sink: any CursorJobSink { job.sink }
  private var source: any CursorSource { job.source }
  private var options: CursorJobOptions { job.options }
  private var environment: RunEnvironment { options.environment }

  /// Runs the job, as ``CursorJob/run(deadline:progress:)`` says.
  mutating func run() async throws -> CursorJobOutcome {
    let forwarding = options.stop.listen { [halt] in halt.raise($0) }
    let telling = halt.listen { [watch] in watch.tell(.stop($0)) }
    let alarm = deadline.map { deadline in
      Task { [halt] in
        try await Task.sleep(until: deadline, clock: .continuous)
        halt.raise(.deadline)
      }
    }
    defer {
      options.stop.forget(forwarding)
      halt.forget(telling)
      alarm?.cancel()
    }
    switch try await begin() {
    case .stopped(let reason): return stoppedBefore(reason)
    case .attempt(var attempt): return try await attempt.run()
    }
  }

  private enum Begin {
    case attempt(JobAttempt)
    case stopped(StopReason)
  }

  /// Does all that comes before the first page.
  private mutating func begin() async throws -> Begin {
    do {
      return try await claim()
    } catch is StopRequest.Stopped {
      return .stopped(halt.raised ?? .cancelled)
    } catch is CancellationError {
      return .stopped(halt.raised ?? .cancelled)
    } catch {
      let seconds = (ContinuousClock.now - start).inSeconds
      journal.failed(error, wasResumed: false, seconds: seconds)
      guard let error = error as? SinkError, ErrorClass.of(error) == .transient else { throw error }
      if case .loadUnfinished = error { return .stopped(.loadUnfinished("\(error)")) }
      return .stopped(.sinkAway(ErrorSummary.of(error)))
    }
  }

  private mutating func claim() async throws -> Begin {
    guard options.atOnce > 0 else {
      throw CursorJobError.invalid(
        "job '\(job.name)': \(options.atOnce) requests at once; say 1 or more")
    }
    let claim = JobClaim(job: job)
    let retry = retry
    let job = job
    var told = Told()
    var before: JobPlan?
    while true {
      let last = before
      let looked = try await retry.run {
        try await job.sink.prepareState()
        _ = try await job.sink.registerJob(job.registration)
        return try await claim.look(after: last)
      }
      before = looked
      try await tell(looked, &told)
      try claim.refuse(looked)
      try await tellAnew(looked, &told)
      if case .retryWithBackoff(let wait) = looked.plan.kind, wait > .zero, !options.skipsBackoff,
        let reason = try await waitOut(wait, looked)
      {
        return .stopped(reason)
      }
      if let reason = halt.raised { return .stopped(reason) }
      // Without its tables no attempt is begun.
      let target = try await RecordTarget(job, retry: retry)
      guard let claimed = try await claim.claim(looked, retry: retry) else { continue }
      journal.pipelineID = claimed.run.description
      tellRestart(looked)
      journal.began(claimed, type: source.type, sink: sink.location)
      return .attempt(
        JobAttempt(
          job: job, claimed: claimed, target: target, deadline: deadline, show: show,
          start: start, halt: halt, watch: watch, journal: journal, retry: retry,
          report: report))
    }
  }

  /// What was told of already.
  private struct Told {
    var refused: [CheckpointChoice.Refused] = []
    var anew: String?
  }

  /// Tells what is planned, and once of each checkpoint that is not valid.
  private mutating func tell(_ looked: JobPlan, _ told: inout Told) async throws {
    report.recovery = looked.plan.kind.name
    report.reason = looked.plan.reason
    report.notes = looked.choice.notes
    var new = looked.choice
    new.refused.removeAll(where: told.refused.contains)
    guard !new.refused.isEmpty else { return }
    for refused in new.refused { journal.refused(refused) }
    told.refused += new.refused
    let facts = new.facts
    try await retry.run { try await sink.record(facts, of: job.name) }
  }

  /// Tells that everything is read though there was a checkpoint.
  private mutating func tellAnew(_ looked: JobPlan, _ told: inout Told) async throws {
    guard let anew = looked.plan.anew else { return }
    report.notes.append(anew)
    guard told.anew != anew else { return }
    told.anew = anew
    journal.beginsAnew(anew, generation: looked.choice.chosen?.generation)
    try await retry.run {
      try await sink.record([JobFact(.beganAnew, detail: anew)], of: job.name)
    }
  }

  /// Warns of a run that its deadline keeps from ever being finished.
  private mutating func tellRestart(_ looked: JobPlan) {
    guard looked.plan.basis == .restart, let schedule = looked.schedule,
      schedule.status == .pending, schedule.error == StopReason.deadline.description
    else { return }
    let note =
      "the last attempt was stopped by its deadline, and this one begins anew (recovery: restart): with"
      + " deadlines shorter than the whole extraction it is never finished; go on at the exact page"
      + " with checkpoint: { recovery: resume }, or give it more time"
    report.notes.append(note)
    journal.restartsAfterDeadline(note)
  }

  /// Waits for the next try.
  ///
  /// - Returns: Why to stop, when that comes first.
  private mutating func waitOut(_ wait: Duration, _ looked: JobPlan) async throws -> StopReason? {
    let until = environment.now() + wait.wholeNanoseconds
    let reason = JobWait(
      until: until,
      reason: .retry(
        attempt: (looked.schedule?.retryCount ?? 0) + 1,
        error: looked.schedule?.error ?? "the last attempt failed"))
    show(
      JobProgress(
        job: job.name, run: looked.schedule?.run ?? SyncID(environment: environment), phase: nil,
        current: nil, partitionsOver: 0, partitions: 0, totalRecords: 0, records: 0, requests: 0,
        rateLimit: nil, wait: reason, seconds: (ContinuousClock.now - start).inSeconds))
    journal.waits(reason, left: wait)
    if let deadline, .now + wait > deadline { return .deadline }
    do {
      try await halt.sleep(wait, in: environment)
    } catch is StopRequest.Stopped {
      return halt.raised
    }
    report.waitSeconds += wait.inSeconds
    return nil
  }

  private func stoppedBefore(_ reason: StopReason) -> CursorJobOutcome {
    var report = report
    report.seconds = (ContinuousClock.now - start).inSeconds
    return .stopped(report, reason)
  }

  private var retry: TransientRetry {
    TransientRetry(
      policy: options.retry, environment: environment.stoppedBy(halt),
      isStopping: { [halt] in halt.raised != nil },
      retrying: { [journal] error, _, failures, wait in
        journal.retrying(error, failures: failures, wait: wait)
      })
  }
}

extension RunEnvironment {
  /// The environment with waits that a stop request breaks off.
  func stoppedBy(_ stop: StopRequest) -> RunEnvironment {
    var environment = self
    environment.sleep = { try await stop.sleep($0, in: self) }
    return environment
  }
}

extension Duration {
  /// It in nanoseconds, as far as 64 bits hold them.
  var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? (seconds < 0 ? .min / 2 : .max / 2) : whole + attoseconds / 1_000_000_000
  }
}
