/// An attempt at a job's run, under its lease: pages, commits, checks, end.
struct JobAttempt: Sendable {
  private let job: CursorJob
  private let lease: Lease
  private let plan: RecoveryPlan
  private let schedule: JobSchedule
  private var target: RecordTarget
  private let deadline: ContinuousClock.Instant?
  private let show: @Sendable (JobProgress) -> Void
  private let start: ContinuousClock.Instant
  private let halt: StopRequest
  private let watch: JobWatch
  private let journal: JobJournal
  private var report: JobReport

  /// What is committed.
  private var checkpoint: JobCheckpoint
  private var generation: Int
  /// What the checkpoint was that this attempt went on from; nil when it began anew.
  private let recovered: JobCheckpoint?
  /// How the tables stand by what was committed; nil when nobody looks.
  private var tables: [String: JobCheckpoint.TableMark]?
  /// Facts for the next commit.
  private var facts: [JobFact] = []
  /// Partitions that are not asked for again in this attempt.
  private var setAside: Set<Partition> = []
  /// Partitions whose page is asked for, staged or committed.
  private var open: Set<Partition> = []
  /// How many of them wait for the API.
  private var asking = 0
  private var failuresInARow = 0
  private var lastFailure: (partition: Partition, error: String)?
  private var stopping: StopReason?
  private var isStuck = false
  private var reloads = 0
  private var requestsToldOf = 0
  private var phase: (name: String, since: ContinuousClock.Instant)?
  private var lastWaitSaved: Int64?

  private var sink: any CursorJobSink { job.sink }
  private var source: any CursorSource { job.source }
  private var options: CursorJobOptions { job.options }
  private var environment: RunEnvironment { options.environment }
  private var layout: CheckpointLayout { source.layout }

  init(
    job: CursorJob, claimed: JobClaim.Claimed, target: RecordTarget,
    deadline: ContinuousClock.Instant?, show: @escaping @Sendable (JobProgress) -> Void,
    start: ContinuousClock.Instant, halt: StopRequest, watch: JobWatch, journal: JobJournal,
    report: JobReport
  ) {
    self.job = job
    lease = claimed.lease
    plan = claimed.plan.plan
    schedule = claimed.schedule
    self.target = target
    self.deadline = deadline
    self.show = show
    self.start = start
    self.halt = halt
    self.watch = watch
    self.journal = journal
    self.report = report
    self.report.recovery = plan.kind.name
    self.report.reason = plan.reason
    self.report.run = claimed.run
    self.report.attempt = claimed.schedule.attempt
    generation = claimed.schedule.generation
    let begin = JobBegin(
      job: job, run: claimed.run, basis: plan.basis, choice: claimed.plan.choice,
      now: job.options.environment.now())
    checkpoint = begin.checkpoint()
    recovered = plan.basis == .checkpoint ? checkpoint : nil
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
      try await beginChecks()
      try await readPages()
      if let stopping {
        outcome = await stop(stopping)
      } else if isStuck {
        outcome = await stop(.deadline)
      } else if let lastFailure {
        let others = report.failed.count - 1
        outcome = await stop(
          .sourceAway(
            "\(lastFailure.partition.name): \(lastFailure.error)"
              + (others > 0 ? " (and \(others) more)" : "")))
      } else {
        outcome = try await finish()
      }
    } catch {
      outcome = try await ended(by: error)
    }
    journal.waited(watch.waited)
    journal.ended(outcome, wasResumed: recovered != nil)
    return outcome
  }

  private mutating func readPages() async throws {
    try await withThrowingTaskGroup(of: Happening.self) { group in
      defer { group.cancelAll() }
      let signals = watch.listen()
      listen(signals, &group)
      while true {
        if stopping == nil {
          stopping = halt.raised ?? (Task.isCancelled ? .cancelled : nil)
          if stopping != nil { group.cancelAll() }
        }
        askForPages(&group)
        if open.isEmpty { return }
        guard let happening = try await group.next() else { return }
        switch happening {
        case .quiet: break
        case .signal(.stop(let reason)):
          stopping = stopping ?? reason
          group.cancelAll()
        case .signal(.waits(let wait)):
          try await waits(wait)
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
          if try await commit(partition, page, staged, work) {
            open.remove(partition)
          } else {
            // What is under way came after commits that are gone.
            group.cancelAll()
            try await reload()
            return
          }
        case .failed(let partition, let error):
          open.remove(partition)
          try failed(partition, error)
          if stopping != nil { group.cancelAll() }
        }
      }
    }
    // After a reload there is more to do.
    if needsAnotherRound {
      needsAnotherRound = false
      try await readPages()
    }
  }

  private var needsAnotherRound = false

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
      let entry = nextEntry()
    {
      let partition = entry.partition
      if phase?.name != partition.phase { phaseBegins(partition.phase) }
      open.insert(partition)
      asking += 1
      let policy = job.policy
      let request = PageRequest(
        partition: partition, cursor: entry.cursor, since: since(of: partition),
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

  /// The partition to ask for next: one that has begun before one that has not.
  private func nextEntry() -> JobQueue.Entry? {
    guard let phase = checkpoint.queue.openPhase else { return nil }
    var waiting: JobQueue.Entry?
    for entry in checkpoint.queue.entries where entry.partition.phase == phase && !entry.isOver {
      guard !open.contains(entry.partition), !setAside.contains(entry.partition) else { continue }
      if entry.cursor != nil { return entry }
      waiting = waiting ?? entry
    }
    return waiting
  }

  /// Since when changes of a partition are wanted.
  private func since(of partition: Partition) -> Int64? {
    guard !partition.isReadWhole else { return nil }
    if let exception = checkpoint.exceptions[partition] { return exception }
    guard isKnown(partition) else { return nil }
    return checkpoint.lastSyncAt
  }

  private func isKnown(_ partition: Partition) -> Bool {
    guard let names = checkpoint.known[partition.phase] else { return false }
    var low = 0
    var high = names.count
    while low < high {
      let middle = (low + high) / 2
      if NameOrder.isBefore(names[middle], partition.name) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low < names.count && names[low] == partition.name
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
    let over = try apply(page, of: partition, to: &next)
    if over {
      next.trigger = layout.triggers.partition
      next.boundaries = layout.boundaries[partition.phase] ?? ["\(partition.phase)_complete"]
    } else {
      next.trigger = layout.triggers.batch
      next.boundaries = []
    }
    next.error = nil
    next.tables = marks(with: work) ?? [:]
    let start = ContinuousClock.now
    guard let (counts, deleted) = try await save(&next, staged) else { return false }
    account(work, counts, deleted: deleted)
    report.records += page.records
    report.pages += 1
    switch page.next {
    case .finished: journal.partitionOver("finished")
    case .passedOver(let reason): journal.passedOver(partition, reason: reason)
    case .renamed(let name, _): journal.partitionChanged(partition, "it is named '\(name)' now")
    case .after: break
    }
    let requests = watch.requests
    journal.committed(
      partition, page, counts ?? [:], deleted: deleted, requests: requests - requestsToldOf,
      seconds: (ContinuousClock.now - start).inSeconds)
    requestsToldOf = requests
    tell()
    return true
  }

  /// Notes in a checkpoint what a page brings.
  ///
  /// - Returns: Whether the partition is over.
  private mutating func apply(
    _ page: Page, of partition: Partition, to next: inout JobCheckpoint
  ) throws -> Bool {
    guard let entry = next.queue[partition.phase, partition.name] else { return false }
    var found: [JobQueue.Entry] = []
    var names: Set<Partition> = []
    for discovered in page.discovered {
      guard source.phases.contains(discovered.phase) else {
        throw invalid(
          partition, "it discovers '\(discovered.name)' of no phase: '\(discovered.phase)'")
      }
      guard !discovered.name.isEmpty else {
        throw invalid(partition, "it discovers one without a name")
      }
      guard wants(discovered, next), next.queue[discovered.phase, discovered.name] == nil,
        names.insert(Partition(phase: discovered.phase, name: discovered.name)).inserted
      else { continue }
      found.append(JobQueue.Entry(discovered))
    }
    if let wrong = next.queue.add(all: found) {
      throw invalid(partition, "it discovers '\(wrong.name)' twice")
    }
    if layout.countedPhase == nil || layout.countedPhase == partition.phase {
      next.total += page.records
    }
    next.phase = partition.phase
    next.current = partition.name
    if let limit = watch.rateLimit { next.rateLimit = limit }
    var isOver = false
    switch page.next {
    case .after(let cursor):
      guard cursor != entry.cursor else {
        throw invalid(partition, "it goes on after the cursor that it began with")
      }
      guard !cursor.isEmpty else { throw invalid(partition, "its cursor is empty") }
      next.queue.change(partition.phase, partition.name) {
        $0.state = .after(cursor)
        $0.records += page.records
      }
    case .finished:
      isOver = true
      next.queue.change(partition.phase, partition.name) {
        $0.state = .finished
        $0.records += page.records
      }
      next.exceptions[partition] = nil
      next.queue.shorten()
    case .passedOver(let reason):
      isOver = true
      let reason = String(reason.prefix(500))
      next.queue.change(partition.phase, partition.name) {
        $0.state = .passedOver(reason)
        $0.records += page.records
      }
      facts.append(JobFact(.passedOver, detail: "\(partition.name): \(reason)"))
    case .renamed(let name, let cursor):
      isOver = rename(partition, entry, to: name, cursor: cursor, page.records, &next)
    }
    return isOver
  }

  /// Gives a partition another name.
  ///
  /// - Returns: Whether nothing of it is left to do, since the other one is there already.
  private func rename(
    _ partition: Partition, _ entry: JobQueue.Entry, to name: String, cursor: String?,
    _ records: Int, _ next: inout JobCheckpoint
  ) -> Bool {
    var renamed = partition
    renamed.name = name
    let since = since(of: partition)
    next.queue.remove(partition.phase, partition.name)
    next.exceptions[partition] = nil
    next.current = name
    guard next.queue[partition.phase, name] == nil else { return true }
    var changed = JobQueue.Entry(
      renamed, state: cursor.map { .after($0) } ?? .waiting, records: entry.records + records)
    changed.note = "was \(partition.name)"
    next.queue.add(changed)
    // What was read under the old name needs not be read again.
    if !partition.isReadWhole, since != self.since(of: renamed) {
      next.exceptions[renamed] = .some(since)
    }
    return false
  }

  /// Whether a partition is worked on in this run.
  private func wants(_ partition: Partition, _ checkpoint: JobCheckpoint) -> Bool {
    checkpoint.sweep.isUnderWay || !source.sweepPhases.contains(partition.phase)
  }

  private func invalid(_ partition: Partition, _ reason: String) -> CursorJobError {
    .invalidPage(job: job.name, partition: partition.name, reason: reason)
  }

  /// Commits a checkpoint with what is staged, and takes it over.
  ///
  /// - Returns: The rows' counts, nil when they are not known, and how many were deleted; nothing when
  ///   commits that the sink acknowledged are gone.
  private mutating func save(
    _ next: inout JobCheckpoint, _ staged: any StagedJobWork
  ) async throws -> (counts: [String: RowCounts]?, deleted: Int)? {
    next.timestamp = environment.now() / 1000 * 1000
    // Once the API has told its time, the run's begin is by that.
    if generation == schedule.generation, recovered == nil { next.runBegan += watch.clockAhead }
    next.runBegan = next.runBegan / 1000 * 1000
    let encoded = next.encoded(as: layout)
    if encoded.isOversized { journal.oversized(encoded) }
    var facts = facts
    facts.append(JobFact(.checkpoint, detail: next.checkpointPhase, amount: encoded.bytes))
    let isFirst = report.secondsToFirstCommit == nil
    let seconds = (ContinuousClock.now - start).inSeconds
    if isFirst, recovered != nil || plan.basis == .restart {
      facts.append(JobFact(.recovered, detail: plan.kind.name, seconds: seconds))
    }
    let new = NewJobCheckpoint(
      generation: generation + 1, data: encoded.data, digest: encoded.digest, facts: facts)
    let lease = lease
    let outcome = try await retry.run { try await staged.commit(new, under: lease) }
    if case .behind = outcome { return nil }
    self.facts = []
    if isFirst { report.secondsToFirstCommit = seconds }
    checkpoint = next
    generation += 1
    report.generation = generation
    report.checkpointBytes = encoded.bytes
    journal.saved(checkpoint, generation: generation, encoded)
    guard case .committed(let counts, let deleted, _) = outcome else { return (nil, 0) }
    return (counts, deleted)
  }

  /// Saves a checkpoint without a page.
  ///
  /// - Returns: False when commits that the sink acknowledged are gone.
  @discardableResult
  private mutating func save(
    trigger: String, _ change: (inout JobCheckpoint) -> Void = { _ in }
  ) async throws -> Bool {
    var next = checkpoint
    next.trigger = trigger
    next.boundaries = []
    if let limit = watch.rateLimit { next.rateLimit = limit }
    next.tables = tables ?? [:]
    change(&next)
    let sink = sink
    let staged = try await retry.run { try await sink.stage(JobWork(rows: [])) }
    return try await save(&next, staged) != nil
  }

  /// Goes on from what is there, once commits that the sink acknowledged are gone.
  private mutating func reload() async throws {
    journal.commitsLost()
    reloads += 1
    guard reloads <= 3 else { throw CursorJobError.commitsLost(job: job.name) }
    let choice = CheckpointChoice.choose(
      try await sink.jobCheckpoints(of: job.name), for: job.owner, layout: layout)
    let found = try await sink.jobs(named: [job.name]).first
    generation = found?.generation ?? 0
    let begin = JobBegin(
      job: job, run: lease.syncID,
      basis: choice.chosen?.checkpoint.run == lease.syncID ? .checkpoint : .nothing,
      choice: choice, now: environment.now())
    checkpoint = begin.checkpoint()
    open = []
    asking = 0
    tables = nil
    needsAnotherRound = true
    report.notes.append(
      "the sink lost commits that it had acknowledged; the job went on before them")
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
    case is JobPageContext.BeyondDeadline:
      isStuck = true
      setAside.insert(partition)
    case CursorSourceError.cursorRefused(let message) where mayBeginAnew(partition):
      let note = "its cursor was refused, and it begins anew: \(message.prefix(200))"
      journal.partitionChanged(partition, note)
      report.notes.append("\(partition.name): \(note)")
      checkpoint.queue.change(partition.phase, partition.name) {
        $0.state = .waiting
        $0.restarts += 1
        $0.note = "its cursor was refused"
      }
    case CursorSourceError.transient(let message), CursorSourceError.cursorRefused(let message):
      failuresInARow += 1
      setAside.insert(partition)
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

  private mutating func waits(_ wait: JobWait) async throws {
    tell()
    let left = Duration.nanoseconds(wait.until - environment.now())
    switch wait.reason {
    case .retry: journal.waits(wait, left: left)
    case .rateLimit, .retryAfter:
      // Several partitions wait for the same; it is saved once, and only if there is time for it.
      guard left >= .seconds(1), lastWaitSaved.map({ $0 < wait.until }) ?? true else { return }
      lastWaitSaved = wait.until
      journal.waits(wait, left: left)
      guard checkpoint.phase != nil else { return }
      try await save(trigger: layout.triggers.rateLimit) { next in
        if case .rateLimit(let remaining) = wait.reason {
          next.rateLimit = RateLimit(remaining: max(remaining, 0), reset: wait.until / 1000 * 1000)
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

  /// Finds out how the tables stand, and after a recovery whether that is as the marks say.
  private mutating func beginChecks() async throws {
    guard options.checksRecovery else { return }
    let (problems, found) = try await check(recovered?.tables ?? [:])
    tables = found
    guard recovered != nil else { return }
    conclude(problems, "after the recovery")
  }

  /// How the tables stand, and what of it is not as it should be.
  private func check(
    _ marks: [String: JobCheckpoint.TableMark]
  ) async throws -> (problems: [String], found: [String: JobCheckpoint.TableMark]) {
    var problems: [String] = []
    var found: [String: JobCheckpoint.TableMark] = [:]
    for (table, name) in target.all {
      let sink = sink
      let check = try await retry.run { try await sink.keyCheck(of: table, named: name) }
      found[name] = JobCheckpoint.TableMark(atLeast: check.rows, atMost: check.rows)
      if check.duplicates > 0 {
        problems.append("\(name) has \(check.duplicates) keys more than once")
      }
      // More rows than that may be others'.
      if let mark = marks[name], check.rows < mark.atLeast {
        problems.append("\(name) has \(check.rows) rows, and \(mark.atLeast) were committed")
      }
    }
    return (problems, found)
  }

  private mutating func conclude(_ problems: [String], _ when: String) {
    journal.checked(problems)
    report.isConsistent = (report.isConsistent ?? true) && problems.isEmpty
    if problems.isEmpty {
      facts.append(JobFact(.consistent, detail: when))
    } else {
      let text = problems.joined(separator: "; ")
      facts.append(JobFact(.inconsistent, detail: "\(when): \(text)"))
      facts.append(JobFact(.recoveryFailed, detail: "the checks \(when) did not hold: \(text)"))
      report.notes.append("\(when): \(text)")
    }
  }

  /// The marks that a page's transaction leaves.
  private func marks(with work: JobWork) -> [String: JobCheckpoint.TableMark]? {
    guard var marks = tables else { return nil }
    for rows in work.rows { marks[rows.name]?.atMost += rows.batch.rowCount }
    // How many rows it deletes is only known afterwards.
    for name in work.tablesThatMayShrink { marks[name]?.atLeast = 0 }
    return marks
  }

  /// Takes over what a commit did.
  private mutating func account(
    _ work: JobWork, _ counts: [String: RowCounts]?, deleted: Int
  ) {
    report.deleted += deleted
    guard let counts else {
      // Its answer was lost: it is as uncertain as before it.
      tables = marks(with: work)
      return
    }
    for (name, counts) in counts {
      report.tables[name, default: RowCounts()] += counts
      tables?[name]?.atLeast += counts.inserted
      tables?[name]?.atMost += counts.inserted
    }
    guard deleted > 0 else { return }
    for name in work.tablesThatMayShrink {
      tables?[name].map { tables?[name]?.atLeast = max(0, $0.atLeast - deleted) }
    }
  }

  // MARK: End

  private mutating func finish() async throws -> CursorJobOutcome {
    phaseEnds()
    let layout = layout
    let source = source
    let overlap = options.overlap.wholeNanoseconds
    if !checkpoint.isFinished {
      let now = environment.now() / 1000 * 1000
      let saved = try await save(trigger: "run_completion") { next in
        JobBegin.finish(&next, at: now, overlap: overlap, source: source)
        next.boundaries =
          next.queue.phases.last.map {
            layout.boundaries[$0] ?? ["\($0)_complete"]
          } ?? []
      }
      guard saved else {
        try await reload()
        try await readPages()
        return try await finish()
      }
    }
    var ending: [JobFact] = []
    if let recovered, options.checksRecovery {
      try await checkEnd(recovered)
      ending = facts
      facts = []
    }
    let passedOver = checkpoint.queue.entries.compactMap { entry -> JobReport.Unread? in
      guard case .passedOver(let reason) = entry.state else { return nil }
      return JobReport.Unread(
        phase: entry.partition.phase, name: entry.partition.name, reason: reason)
    }
    report.passedOver = passedOver
    ending.append(JobFact(.finished, amount: report.records, seconds: seconds))
    do {
      try await end(.finished, nil, ending)
    } catch SinkError.incomplete {
      try await reload()
      try await readPages()
      return try await finish()
    }
    let report = finalReport()
    return passedOver.isEmpty ? .done(report) : .partial(report)
  }

  private mutating func checkEnd(_ recovered: JobCheckpoint) async throws {
    var (problems, _) = try await check(tables ?? [:])
    let stored = CheckpointChoice.choose(
      try await sink.jobCheckpoints(of: job.name), for: job.owner, layout: layout)
    if let total = stored.chosen?.checkpoint.total, total < recovered.total {
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
      if isFruitlessRecovery { ending.append(JobFact(.recoveryFailed, detail: error)) }
      await tryToEnd(.failed, error, ending)
    case .sinkAway(let error), .circuitOpen(let error), .loadUnfinished(let error):
      ending = [JobFact(.failed, detail: String(error.prefix(500)), seconds: seconds)]
      await tryToEnd(.failed, error, ending)
    case .deadline, .signal, .cancelled:
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
      journal.failed(overtaken, wasResumed: recovered != nil, seconds: seconds)
      throw overtaken
    case SinkError.loadUnfinished: return await stop(.loadUnfinished("\(error)"))
    case let error as SinkError where ErrorClass.of(error) == .transient:
      return await stop(.sinkAway(ErrorSummary.of(error)))
    default:
      let text = String(ErrorSummary.of(error).prefix(500))
      try? await saveError(text, isRecoverable: false)
      var ending = [JobFact(.failed, detail: text, seconds: seconds)]
      if isFruitlessRecovery { ending.append(JobFact(.recoveryFailed, detail: text)) }
      await tryToEnd(.failed, text, ending)
      journal.failed(error, wasResumed: recovered != nil, seconds: seconds)
      throw error
    }
  }

  /// Whether the attempt was to go on from a checkpoint and came to nothing.
  private var isFruitlessRecovery: Bool { recovered != nil && report.pages == 0 }

  private mutating func saveError(_ error: String, isRecoverable: Bool) async throws {
    let context = JobCheckpoint.ErrorContext(
      lastSuccessfulOperation: checkpoint.phase == nil ? nil : checkpoint.checkpointPhase,
      failurePoint: lastFailure.map { "\($0.partition.phase) of \($0.partition.name)" }
        ?? checkpoint.phase ?? source.phases.first ?? "",
      isRecoverable: isRecoverable, error: String(error.prefix(500)))
    try await save(trigger: layout.triggers.error) { $0.error = context }
  }

  private mutating func end(
    _ status: JobStatus, _ error: String?, _ facts: [JobFact]
  ) async throws {
    var facts = self.facts + facts
    self.facts = []
    let waited = watch.waited
    if waited > .zero { facts.append(JobFact(.waited, seconds: waited.inSeconds)) }
    var end = JobEnd(status: status, error: error.map { String($0.prefix(500)) }, facts: facts)
    // A run whose last pages the database has lost is not finished.
    if status == .finished { end.generation = generation }
    if status == .failed {
      end.nextRunIn = Backoff.wait(
        afterFailures: schedule.retryCount + 1, policy: options.backoff, random: 0)
    }
    let ending = end
    let lease = lease
    let sink = sink
    try await retry.run { try await sink.endJob(ending, under: lease) }
  }

  private mutating func tryToEnd(
    _ status: JobStatus, _ error: String?, _ facts: [JobFact]
  ) async {
    do {
      try await end(status, error, facts)
    } catch {
      // The next attempt finds out; what was committed is committed.
      journal.note("the end of the attempt was not recorded: \(error)")
    }
  }

  private func finalReport() -> JobReport {
    var report = report
    report.totalRecords = checkpoint.total
    report.requests = watch.requests
    report.partitions = checkpoint.queue.entries.count
    report.partitionsFinished = checkpoint.queue.entries.count { $0.state == .finished }
    report.generation = generation
    report.seconds = seconds
    report.waitSeconds += watch.waited.inSeconds
    return report
  }

  private var seconds: Double { (ContinuousClock.now - start).inSeconds }

  private var retry: TransientRetry {
    TransientRetry(
      policy: options.retry, environment: environment.stoppedBy(halt),
      isStopping: { [halt] in halt.raised != nil },
      retrying: { [journal] error, _, failures, wait in
        journal.retrying(error, failures: failures, wait: wait)
      })
  }
}
