/// An attempt at a job's run, under its lease: pages, commits, checks, end.
struct JobAttempt: Sendable {
  private let job: CursorJob
  private let lease: Lease
  private let plan: RecoveryPlan
  private let remembered: RateLimit?
  /// When it began: after the wait that a failure before may ask for.
  private let began = ContinuousClock.now
  private let schedule: JobSchedule
  private var target: RecordTarget
  private let deadline: ContinuousClock.Instant?
  private let show: @Sendable (JobProgress) -> Void
  private let start: ContinuousClock.Instant
  private let halt: StopRequest
  private let watch: JobWatch
  private let journal: JobJournal
  private let retry: TransientRetry
  private var report: JobReport

  private var ledger: JobLedger
  private var recovery: RecoveryCheck
  /// Partitions that are not asked for again in this attempt.
  private var setAside: Set<Partition> = []
  /// Partitions whose page is asked for, staged or committed.
  private var open: Set<Partition> = []
  /// How many of them wait for the API.
  private var asking = 0
  private var failuresInARow = 0
  private var lastFailure: (partition: Partition, error: String)?
  private var stopping: StopReason?
  /// The end of the first wait that was not begun, since it would end after the deadline.
  private var tooLate: JobWait?
  private var requestsToldOf = 0
  private var phase: (name: String, since: ContinuousClock.Instant)?
  private var lastWaitSaved: Int64?

  private var sink: any CursorJobSink { job.sink }
  private var source: any CursorSource { job.source }
  private var options: CursorJobOptions { job.options }
  private var environment: RunEnvironment { options.environment }
  private var layout: CheckpointLayout { source.layout }
  private var checkpoint: JobCheckpoint { ledger.checkpoint }

  init(
    job: CursorJob, claimed: JobClaim.Claimed, target: RecordTarget,
    deadline: ContinuousClock.Instant?, show: @escaping @Sendable (JobProgress) -> Void,
    start: ContinuousClock.Instant, halt: StopRequest, watch: JobWatch, journal: JobJournal,
    retry: TransientRetry, report: JobReport
  ) {
    self.job = job
    lease = claimed.lease
    plan = claimed.plan.plan
    remembered = claimed.plan.choice.chosen?.checkpoint.rateLimit
    schedule = claimed.schedule
    self.target = target
    self.deadline = deadline
    self.show = show
    self.start = start
    self.halt = halt
    self.watch = watch
    self.journal = journal
    self.retry = retry
    self.report = report
    self.report.recovery = plan.kind.name
    self.report.reason = plan.reason
    self.report.run = claimed.run
    self.report.attempt = claimed.schedule.attempt
    ledger = JobLedger(
      job: job, claimed: claimed, retry: retry, watch: watch, journal: journal)
    recovery = RecoveryCheck(sink: job.sink, retry: retry, journal: journal)
  }

  // MARK: Order

  private enum Happening: Sendable {
    case signal(JobWatch.Signal)
    case page(Partition, Page)
    case staged(Partition, Page, any StagedJobWork, JobWork)
    case failed(Partition, any Error)
    case quiet
  }

  mutating func run() async throws -> CursorJobOutcome {
    let renewal = LeaseRenewal(
      sink: sink, lease: lease, duration: options.leaseDuration,
      failed: { [journal] in journal.leaseNotRenewed($0) })
    // Cancelled and waited for on every way out.
    async let _ = renewal.untilCancelled()
    let outcome: CursorJobOutcome
    do {
      recallLimit()
      try await beginChecks()
      outcome = try await course()
    } catch {
      countRequests()
      outcome = try await ended(by: error)
    }
    countRequests()
    journal.waited(watch.waited)
    journal.ended(outcome, wasResumed: ledger.recovered != nil)
    return outcome
  }

  /// Tells the source what the last checkpoint says of the API's limits. Not where somebody wants it to
  /// be asked at once: with another token it may have more.
  private func recallLimit() {
    guard !options.skipsBackoff, let remembered, remembered.reset > environment.now() else {
      return
    }
    watch.record(remembered)
    source.recall(remembered)
  }

  /// Reads and finishes; again when commits turn out to be lost.
  private mutating func course() async throws -> CursorJobOutcome {
    while true {
      if try await readPages() {
        if let stopping { return await stop(stopping) }
        if tooLate != nil { return await stop(.deadline) }
        if let lastFailure {
          let others = report.failed.count - 1
          return await stop(
            .sourceAway(
              "\(lastFailure.partition.name): \(lastFailure.error)"
                + (others > 0 ? " (and \(others) more)" : "")
                + checkpoint.queue.stubborn(leavingOut: source.leavingOut)))
        }
        if let outcome = try await finish() { return outcome }
      }
      try await ledger.reload()
      open = []
      asking = 0
      report.notes.append(
        "the sink lost commits that it had acknowledged; the job went on before them")
    }
  }

  /// Reads and commits pages until none is left that can be read now.
  ///
  /// - Returns: False when commits that the sink acknowledged are gone.
  private mutating func readPages() async throws -> Bool {
    try await withThrowingTaskGroup(of: Happening.self) { group in
      // What is under way then came after commits that are gone, or is not waited for.
      defer { group.cancelAll() }
      let signals = watch.listen()
      listen(signals, &group)
      while true {
        if stopping == nil {
          stopping = halt.raised ?? (Task.isCancelled ? .cancelled : nil)
          if stopping != nil { group.cancelAll() }
        }
        askForPages(&group)
        if open.isEmpty { return true }
        guard let happening = try await group.next() else { return true }
        switch happening {
        case .quiet: break
        case .signal(.stop(let reason)):
          stopping = stopping ?? reason
          group.cancelAll()
        case .signal(.waits(let wait)):
          guard try await waits(wait) else { return false }
          listen(signals, &group)
        case .page(let partition, let page):
          asking -= 1
          options.faults.reach(.jobPageRead)
          failuresInARow = 0
          let work = try await target.work(of: page, partition: partition, retry: retry)
          stage(partition, page, work, &group)
        case .staged(let partition, let page, let staged, let work):
          // Others are asked for while this one commits.
          askForPages(&group)
          guard try await commit(partition, page, staged, work) else { return false }
          open.remove(partition)
        case .failed(let partition, let error):
          open.remove(partition)
          try failed(partition, error)
          if stopping != nil { group.cancelAll() }
        }
      }
    }
  }

  private func listen(
    _ signals: AsyncStream<JobWatch.Signal>,
    _ group: inout ThrowingTaskGroup<Happening, any Error>
  ) {
    group.addTask {
      for await signal in signals { return .signal(signal) }
      return .quiet
    }
  }

  /// Asks for pages of as many partitions as may be asked for at once. Twice as many may be open: those
  /// that are staged and committed meanwhile keep nobody from asking.
  private mutating func askForPages(_ group: inout ThrowingTaskGroup<Happening, any Error>) {
    guard stopping == nil else { return }
    while asking < options.atOnce, open.count < 2 * options.atOnce,
      let entry = checkpoint.queue.next(leaving: open.union(setAside))
    {
      let partition = entry.partition
      if phase?.name != partition.phase { phaseBegins(partition.phase) }
      open.insert(partition)
      asking += 1
      let policy = job.policy
      let request = PageRequest(
        partition: partition, cursor: entry.cursor, since: checkpoint.since(of: partition),
        limit: max(1, policy.records),
        context: JobPageContext(
          watch: watch, environment: environment, deadline: deadline,
          commitBy: .now + policy.interval))
      let source = source
      group.addTask {
        do {
          return .page(partition, try await source.page(request))
        } catch {
          return .failed(partition, error)
        }
      }
    }
  }

  private func stage(
    _ partition: Partition, _ page: Page, _ work: JobWork,
    _ group: inout ThrowingTaskGroup<Happening, any Error>
  ) {
    let sink = sink
    let retry = retry
    group.addTask {
      do {
        return .staged(partition, page, try await retry.run { try await sink.stage(work) }, work)
      } catch {
        return .failed(partition, StagingFailure(error: error))
      }
    }
  }

  /// An error of the sink, not of the source.
  private struct StagingFailure: Error {
    var error: any Error
  }

  private mutating func phaseBegins(_ name: String) {
    phaseEnds()
    phase = (name, .now)
    journal.phaseBegan(
      name, partitions: checkpoint.queue.entries.count { $0.partition.phase == name })
  }

  private mutating func phaseEnds() {
    guard let (name, since) = phase else { return }
    phase = nil
    let entries = checkpoint.queue.entries.filter { $0.partition.phase == name }
    guard entries.allSatisfy(\.isOver) else { return }
    journal.phaseEnded(
      name, partitions: entries.count, seconds: (ContinuousClock.now - since).inSeconds)
  }

  // MARK: What becomes of a page

  /// Commits a page.
  ///
  /// - Returns: False when commits that the sink acknowledged are gone.
  private mutating func commit(
    _ partition: Partition, _ page: Page, _ staged: any StagedJobWork, _ work: JobWork
  ) async throws -> Bool {
    var next = checkpoint
    let advance = try next.advance(by: page, of: partition, source: source)
    if let limit = watch.rateLimit { next.rateLimit = limit }
    next.tables = ledger.tables.after(work).forCheckpoint
    let start = ContinuousClock.now
    let first = factsOfFirstCommit
    guard
      let saved = try await ledger.save(next, with: staged, facts: first.facts + advance.facts)
    else { return false }
    report.secondsToFirstCommit = first.seconds
    ledger.tables.add(work, saved.counts, deleted: saved.deleted)
    report.deleted += saved.deleted
    for (name, counts) in saved.counts ?? [:] {
      report.tables[name, default: RowCounts()] += counts
    }
    report.records += page.records
    report.pages += 1
    switch page.next {
    case .finished: journal.partitionOver("finished")
    case .passedOver(let reason): journal.passedOver(partition, reason: reason)
    case .renamed(let name, _): journal.partitionChanged(partition, "it is named '\(name)' now")
    case .after: break
    }
    for notice in page.notices where !report.notes.contains(notice) {
      report.notes.append(notice)
      journal.noticed(partition, notice)
    }
    journal.committed(
      partition, page, saved.counts ?? [:], deleted: saved.deleted,
      seconds: (ContinuousClock.now - start).inSeconds)
    countRequests()
    tell()
    return true
  }

  private mutating func countRequests() {
    let requests = watch.requests
    journal.requested(requests - requestsToldOf)
    requestsToldOf = requests
  }

  /// How long the attempt took to its first commit, and what the history is told with it.
  private var factsOfFirstCommit: (seconds: Double, facts: [JobFact]) {
    if let seconds = report.secondsToFirstCommit { return (seconds, []) }
    let seconds = (ContinuousClock.now - began).inSeconds
    let isRecovery = ledger.recovered != nil
    return (
      seconds, isRecovery ? [JobFact(.recovered, detail: plan.kind.name, seconds: seconds)] : []
    )
  }

  // MARK: Failures and waits

  private mutating func failed(_ partition: Partition, _ error: any Error) throws {
    if let failure = error as? StagingFailure {
      if stopping != nil, failure.error is CancellationError { return }
      throw failure.error
    }
    asking -= 1
    if stopping != nil { return }
    switch error {
    case let beyond as JobPageContext.BeyondDeadline:
      let note = "not begun, since it would end after the deadline: \(beyond.wait)"
      if !report.notes.contains(note) { report.notes.append(note) }
      if beyond.wait.until < tooLate?.until ?? .max { tooLate = beyond.wait }
      setAside.insert(partition)
    case CursorSourceError.cursorRefused(let message) where mayBeginAnew(partition):
      let note = "its cursor was refused, and it begins anew: \(message.prefix(200))"
      journal.partitionChanged(partition, note)
      report.notes.append("\(partition.name): \(note)")
      ledger.change(partition) {
        $0.state = .waiting
        $0.restarts += 1
        $0.note = "its cursor was refused"
      }
    case CursorSourceError.transient(let message), CursorSourceError.cursorRefused(let message):
      failuresInARow += 1
      setAside.insert(partition)
      ledger.change(partition) { $0.failures += 1 }
      lastFailure = (partition, message)
      report.failed.append(
        JobReport.Unread(phase: partition.phase, name: partition.name, reason: message))
      journal.partitionFailed(partition, error)
      if failuresInARow >= options.retry.giveUpAfter { stopping = .sourceAway(message) }
    case is CancellationError, is StopRequest.Stopped:
      stopping = halt.raised ?? .cancelled
    default:
      lastFailure = (partition, ErrorSummary.of(error))
      throw error
    }
  }

  private func mayBeginAnew(_ partition: Partition) -> Bool {
    guard let entry = checkpoint.queue[partition.phase, partition.name] else { return false }
    return entry.cursor != nil && entry.restarts < 3
  }

  /// Tells of a wait, and saves it.
  ///
  /// - Returns: False when commits that the sink acknowledged are gone.
  private mutating func waits(_ wait: JobWait) async throws -> Bool {
    tell()
    let left = Duration.nanoseconds(wait.until - environment.now())
    switch wait.reason {
    case .retry:
      journal.waits(wait, left: left)
      return true
    case .rateLimit, .retryAfter:
      // Several partitions wait for the same; it is saved once, and only if there is time for it.
      // They do not all wait until the same moment, so that they do not all ask in one.
      guard left >= .seconds(1), lastWaitSaved.map({ wait.until - 1_000_000_000 > $0 }) ?? true
      else { return true }
      lastWaitSaved = wait.until
      journal.waits(wait, left: left)
      guard checkpoint.phase != nil else { return true }
      return try await ledger.save(trigger: layout.triggers.rateLimit) { next in
        if case .rateLimit(let remaining) = wait.reason {
          next.rateLimit = RateLimit(remaining: remaining, reset: wait.until / 1000 * 1000)
        }
      }
    }
  }

  private func tell() {
    show(
      JobProgress(
        job: job.name, run: lease.syncID, phase: checkpoint.phase ?? phase?.name,
        current: checkpoint.current,
        partitionsOver: checkpoint.queue.entries.count(where: \.isOver),
        partitions: checkpoint.queue.entries.count, totalRecords: checkpoint.total,
        records: report.records, requests: watch.requests, rateLimit: watch.rateLimit,
        wait: watch.wait(ofAll: asking), seconds: (ContinuousClock.now - start).inSeconds))
  }

  // MARK: Checks

  /// Finds out how the tables stand, and after a recovery whether that is as the marks say. A run that
  /// follows a finished one has its marks, and counts nothing.
  private mutating func beginChecks() async throws {
    let recovered = ledger.recovered
    guard options.checksRecovery else {
      // As far as is known without counting.
      guard ledger.tables.bounds == nil else { return }
      var marks: [String: JobCheckpoint.TableMark] = [:]
      for (_, name) in target.all {
        marks[name] =
          recovered?.tables[name] ?? JobCheckpoint.TableMark(atLeast: 0, atMost: 0)
      }
      ledger.tables = TableMarks(marks)
      return
    }
    guard recovered != nil || ledger.tables.bounds == nil else { return }
    let (found, problems) = try await recovery.compare(
      target, with: TableMarks(recovered?.tables ?? [:]))
    ledger.tables = found
    guard recovered != nil else { return }
    conclude(problems, "after the recovery")
  }

  private mutating func conclude(_ problems: [String], _ when: String) {
    report.isConsistent = (report.isConsistent ?? true) && problems.isEmpty
    if !problems.isEmpty { report.notes.append("\(when): \(problems.joined(separator: "; "))") }
    ledger.facts += recovery.conclude(problems, when)
  }

  // MARK: End

  /// Marks the run as finished, and ends it.
  ///
  /// - Returns: Nil when commits that the sink acknowledged are gone: there is more to read then.
  private mutating func finish() async throws -> CursorJobOutcome? {
    phaseEnds()
    if !checkpoint.isFinished {
      let layout = layout
      let source = source
      let overlap = options.overlap.wholeNanoseconds
      let now = environment.now() / 1000 * 1000
      let first = factsOfFirstCommit
      let saved = try await ledger.save(trigger: "run_completion", facts: first.facts) { next in
        JobBegin.finish(&next, at: now, overlap: overlap, source: source)
        next.boundaries = next.queue.phases.last.map(layout.boundaries(after:)) ?? []
      }
      guard saved else { return nil }
      report.secondsToFirstCommit = first.seconds
    }
    if let recovered = ledger.recovered, options.checksRecovery { try await checkEnd(recovered) }
    let passedOver = checkpoint.queue.entries.compactMap { entry -> JobReport.Unread? in
      guard case .passedOver(let reason) = entry.state else { return nil }
      return JobReport.Unread(
        phase: entry.partition.phase, name: entry.partition.name, reason: reason)
    }
    report.passedOver = passedOver
    do {
      try await end(
        .finished, nil, [JobFact(.finished, amount: report.records, seconds: seconds)])
    } catch SinkError.incomplete {
      return nil
    }
    let report = finalReport()
    return passedOver.isEmpty ? .done(report) : .partial(report)
  }

  private mutating func checkEnd(_ recovered: JobCheckpoint) async throws {
    var (_, problems) = try await recovery.compare(target, with: ledger.tables)
    // One that began anew counts its records anew.
    if plan.basis == .checkpoint,
      let total = try await ledger.stored().chosen?.checkpoint.total, total < recovered.total
    {
      problems.append(
        "\(total) records are marked as processed, and \(recovered.total) were before")
    }
    conclude(problems, "at the end of the recovered run")
  }

  private mutating func stop(_ reason: StopReason) async -> CursorJobOutcome {
    phaseEnds()
    var ending = [JobFact(.stopped, detail: reason.description, seconds: seconds)]
    switch reason {
    case .sourceAway(let error):
      ending = [JobFact(.failed, detail: String(error.prefix(500)), seconds: seconds)]
      try? await saveError(error, isRecoverable: true)
      if isFruitlessRecovery { ending += recovery.fail(error) }
      await tryToEnd(.failed, error, ending)
    case .sinkAway(let error), .circuitOpen(let error), .loadUnfinished(let error):
      ending = [JobFact(.failed, detail: String(error.prefix(500)), seconds: seconds)]
      await tryToEnd(.failed, error, ending)
    case .deadline, .signal, .cancelled:
      if stopping == nil, let tooLate { await saveLimit(tooLate) }
      await tryToEnd(.pending, reason.description, ending)
    }
    return .stopped(finalReport(), reason)
  }

  /// Records that the attempt ended by an error, as far as that can be.
  ///
  /// - Returns: The outcome, where the error only means to go on later.
  private mutating func ended(by error: any Error) async throws -> CursorJobOutcome {
    switch error {
    case is CancellationError, is StopRequest.Stopped:
      return await stop(halt.raised ?? .cancelled)
    case SinkError.fenced(let holder):
      let overtaken = CursorJobError.overtaken(job: job.name, holder)
      journal.failed(overtaken, wasResumed: ledger.recovered != nil, seconds: seconds)
      throw overtaken
    case SinkError.loadUnfinished: return await stop(.loadUnfinished("\(error)"))
    case let error as SinkError where ErrorClass.of(error) == .transient:
      return await stop(.sinkAway(ErrorSummary.of(error)))
    default:
      let text = String(ErrorSummary.of(error).prefix(500))
      try? await saveError(text, isRecoverable: false)
      var ending = [JobFact(.failed, detail: text, seconds: seconds)]
      if isFruitlessRecovery { ending += recovery.fail(text) }
      await tryToEnd(.failed, text, ending)
      journal.failed(error, wasResumed: ledger.recovered != nil, seconds: seconds)
      throw error
    }
  }

  /// Whether the attempt was to go on from a checkpoint and came to nothing.
  private var isFruitlessRecovery: Bool { ledger.recovered != nil && report.pages == 0 }

  private mutating func saveError(_ error: String, isRecoverable: Bool) async throws {
    let context = JobCheckpoint.ErrorContext(
      lastSuccessfulOperation: checkpoint.phase == nil ? nil : checkpoint.checkpointPhase,
      failurePoint: lastFailure.map { "\($0.partition.phase) of \($0.partition.name)" }
        ?? checkpoint.phase ?? source.phases.first ?? "",
      isRecoverable: isRecoverable, error: String(error.prefix(500)))
    // The next attempt finds out whether commits are gone.
    _ = try await ledger.save(trigger: layout.triggers.error) { $0.error = context }
  }

  /// Saves the limit that the attempt would have had to wait for longer than it may: the next one, in
  /// another process, knows of it then.
  private mutating func saveLimit(_ wait: JobWait) async {
    guard case .rateLimit(let then) = wait.reason, checkpoint.phase != nil else { return }
    // Others were answered after the wait was refused.
    let remaining = min(then, watch.rateLimit?.remaining ?? then)
    // The next attempt finds out whether commits are gone.
    _ = try? await ledger.save(trigger: layout.triggers.rateLimit) { next in
      next.rateLimit = RateLimit(remaining: remaining, reset: wait.until / 1000 * 1000)
    }
  }

  private mutating func end(
    _ status: JobStatus, _ error: String?, _ facts: [JobFact]
  ) async throws {
    var facts = facts
    let waited = watch.waited
    if waited > .zero { facts.append(JobFact(.waited, seconds: waited.inSeconds)) }
    var end = JobEnd(status: status, error: error.map { String($0.prefix(500)) }, facts: facts)
    if status == .pending, stopping == nil, let tooLate {
      // Before that it would end as it did now.
      end.nextRunIn = max(.zero, .nanoseconds(tooLate.until - environment.now()))
    }
    if status == .failed {
      end.nextRunIn = Backoff.wait(
        afterFailures: schedule.retryCount + 1, policy: options.backoff, random: 0)
    }
    try await ledger.end(end)
  }

  private mutating func tryToEnd(
    _ status: JobStatus, _ error: String?, _ facts: [JobFact]
  ) async {
    do {
      try await end(status, error, facts)
    } catch {
      // The next attempt finds out; what was committed is committed.
      journal.endNotRecorded(error)
    }
  }

  private func finalReport() -> JobReport {
    var report = report
    report.totalRecords = checkpoint.total
    report.requests = watch.requests
    report.partitions = checkpoint.queue.entries.count
    report.partitionsFinished = checkpoint.queue.entries.count { $0.state == .finished }
    report.generation = ledger.generation
    report.checkpointBytes = ledger.checkpointBytes
    report.seconds = seconds
    report.waitSeconds += watch.waited.inSeconds
    return report
  }

  private var seconds: Double { (ContinuousClock.now - start).inSeconds }
}
