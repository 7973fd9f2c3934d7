import ArgumentParser
import Cairn

/// `cairn job status`.
struct JobStatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show how jobs stand.")

  @Argument(help: "Names of jobs, or job files; by default all that the sink knows.")
  var jobs: [String] = []

  @OptionGroup var sinkOptions: JobSinkOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Failure.reporting(next: nil) {
      let (names, files) = try TypedJobs.names(jobs)
      let sink = try sinkOptions.require(files: files)
      var summaries: [JobStatusSummary] = []
      for schedule in try await TypedJobs.known(names, in: sink) {
        let generations = try await sink.jobCheckpoints(of: schedule.job.name)
        summaries.append(JobStatusSummary(schedule, generations))
      }
      if output.json { return try JSONOutput.print(summaries) }
      if summaries.isEmpty { return Terminal.note("there are no jobs in \(sink.location)") }
      Terminal.print(summaries.map(\.text).joined(separator: "\n"))
    }
  }
}

/// How a job stands, as programs read it.
struct JobStatusSummary: Encodable {
  var jobName, jobType, status: String
  var run: SyncID?
  var attempt: Int
  var generation: Int
  var lastCheckpointAt: String?
  var retryCount: Int
  var errorMessage: String?
  var intervalSeconds: Int64?
  var nextRunAt: String?
  var isDue: Bool
  var file: String?
  var owner: LeaseHolder?
  var phase, current, checkpointPhase: String?
  var partitionsOver, partitions, totalRecords: Int?
  var passedOver: [String] = []
  var rateLimitRemaining: Int?
  var checkpoints: [Generation]

  struct Generation: Encodable {
    var generation: Int
    var committedAt: String
    var bytes: Int
    var isAside: Bool
    var defect: String?
  }

  init(_ schedule: JobSchedule, _ stored: [StoredJobCheckpoint]) {
    jobName = schedule.job.name
    jobType = schedule.job.type
    status = schedule.status.rawValue
    run = schedule.run
    attempt = schedule.attempt
    generation = schedule.generation
    lastCheckpointAt = schedule.lastCheckpointAt
    retryCount = schedule.retryCount
    errorMessage = schedule.error
    intervalSeconds = schedule.job.interval?.components.seconds
    nextRunAt = schedule.nextRunAt
    isDue = schedule.isDue
    file = schedule.job.file
    owner = schedule.holder
    let layout = CheckpointLayout.usual(forType: schedule.job.type)
    let isKnown = layout != .general
    let choice = CheckpointChoice.choose(
      stored,
      for: JobCheckpoint.Owner(
        job: schedule.job.name, type: schedule.job.type,
        phases: layout.countedPhase.map { [$0] } ?? []),
      layout: layout)
    checkpoints = stored.map { stored in
      Generation(
        generation: stored.generation, committedAt: stored.committedAt,
        bytes: stored.data.utf8.count, isAside: stored.isAside,
        defect: choice.refused.first {
          // How a program's own source names its fields is not known here.
          $0.generation == stored.generation && (isKnown || !$0.defect.isOfFields)
        }?.defect.description)
    }
    guard let checkpoint = choice.chosen?.checkpoint else { return }
    phase = checkpoint.phase
    current = checkpoint.current
    checkpointPhase = checkpoint.checkpointPhase
    partitionsOver = checkpoint.queue.entries.count(where: \.isOver)
    partitions = checkpoint.queue.entries.count
    totalRecords = checkpoint.total
    rateLimitRemaining = checkpoint.rateLimit?.remaining
    passedOver = checkpoint.queue.entries.compactMap { entry in
      guard case .passedOver(let reason) = entry.state else { return nil }
      return "\(entry.partition.name): \(reason)"
    }
  }

  var text: String {
    let isGone = status == JobStatus.running.rawValue && owner?.owner.isAliveOnThisHost != true
    var lines = [
      "\(Terminal.bold(jobName))  \(jobType)  \(status)"
        + (isGone ? ", but its process is gone: go on with cairn job resume" : "")
        + (isDue && (owner == nil || isGone) ? "  due" : nextRunAt.map { "  next run \($0)" } ?? "")
    ]
    if let run { lines.append("  run        \(run), attempt \(attempt)") }
    if let owner { lines.append("  owner      \(owner)") }
    if let partitions {
      lines.append(
        "  progress   "
          + [
            phase, "\(partitionsOver ?? 0) of \(partitions) partitions",
            "\(Readable.count(totalRecords ?? 0)) records", current.map { "at \($0)" },
          ].compactMap(\.self).joined(separator: ", "))
    }
    if let lastCheckpointAt {
      lines.append("  checkpoint generation \(generation), \(lastCheckpointAt)")
    }
    for stored in checkpoints {
      if let defect = stored.defect {
        lines.append("  generation \(stored.generation) is not valid: \(defect)")
      }
    }
    if retryCount > 0 { lines.append("  failed     \(retryCount) times in a row") }
    if let errorMessage { lines.append("  error      \(errorMessage)") }
    lines += passedOver.map { "  passed over \($0)" }
    return lines.joined(separator: "\n")
  }
}

/// `cairn job pause`.
struct JobPauseCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pause", abstract: "Keep jobs from running until they are let.")

  @OptionGroup var change: JobChangeOptions

  func run() async throws { try await change.apply(.pause, "paused") }
}

/// `cairn job unpause`.
struct JobUnpauseCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unpause", abstract: "Let paused jobs run again.")

  @OptionGroup var change: JobChangeOptions

  func run() async throws { try await change.apply(.unpause, "runs again") }
}

/// `cairn job reset`.
struct JobResetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reset",
    abstract: "Let jobs begin anew.",
    discussion: """
      The checkpoint is moved aside, not deleted. Rows stay: the next run reads everything and brings \
      them up to date.
      """)

  @OptionGroup var change: JobChangeOptions

  func run() async throws { try await change.apply(.reset, "begins anew with its next run") }
}

struct JobChangeOptions: ParsableArguments {
  @Argument(help: "Names of jobs that the sink knows, or job files.")
  var jobs: [String]

  @OptionGroup var sinkOptions: JobSinkOptions
  @OptionGroup var output: OutputOptions

  func apply(_ change: JobChange, _ said: String) async throws {
    try await Failure.reporting(next: nil) {
      let (names, files) = try TypedJobs.names(jobs)
      let sink = try sinkOptions.require(files: files)
      _ = try await TypedJobs.known(names, in: sink)
      var summaries: [JobStatusSummary] = []
      for name in names {
        let schedule = try await sink.change(change, of: name)
        summaries.append(
          JobStatusSummary(schedule, try await sink.jobCheckpoints(of: name)))
        if !output.json { Terminal.note("\(name) \(said)") }
      }
      if output.json { try JSONOutput.print(summaries) }
    }
  }
}

/// `cairn job history`.
struct JobHistoryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history", abstract: "Show what happened to jobs, latest first.")

  @Argument(help: "A job's name; by default all.")
  var job: String?

  @Option(
    name: .long,
    help: ArgumentHelp("Only this, like failed or checkpoint; may be repeated.", valueName: "kind"))
  var kind: [String] = []

  @Option(name: .long, help: ArgumentHelp("How far to look back.", valueName: "time"))
  var within: String?

  @Option(name: .long, help: "How many at most.")
  var limit = 50

  @OptionGroup var sinkOptions: JobSinkOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Failure.reporting(next: nil) {
      let (names, files) = try TypedJobs.names(job.map { [$0] } ?? [])
      let sink = try sinkOptions.require(files: files)
      let kinds: [JobFact.Kind] = try kind.map { try JobBuilder.choice($0, of: "--kind") }
      let age = try within.map { try RunOptions.duration($0, of: "--within") }
      _ = try await TypedJobs.known(names, in: sink)
      let facts = try await sink.jobHistory(
        JobHistoryFilter(job: names.first, kinds: kinds, within: age, limit: max(limit, 1)))
      if output.json { return try JSONOutput.print(facts.map(JobFactSummary.init)) }
      for fact in facts {
        var parts = [fact.at, fact.job, fact.kind.rawValue]
        if let detail = fact.detail { parts.append(detail) }
        if let amount = fact.amount {
          switch fact.kind {
          case .checkpoint: parts.append(Readable.bytes(amount))
          case .finished: parts.append("\(Readable.count(amount)) records")
          default: parts.append(Readable.count(amount))
          }
        }
        if let seconds = fact.seconds { parts.append(Readable.seconds(seconds)) }
        Terminal.print(parts.joined(separator: "  "))
      }
    }
  }
}

private struct JobFactSummary: Encodable {
  var at, job, kind: String
  var run: SyncID?
  var attempt: Int
  var detail: String?
  var amount: Int?
  var seconds: Double?

  init(_ fact: JobFact) {
    at = fact.at
    job = fact.job
    kind = fact.kind.rawValue
    run = fact.run
    attempt = fact.attempt
    detail = fact.detail
    amount = fact.amount
    seconds = fact.seconds
  }
}

/// `cairn job metrics`.
struct JobMetricsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics", abstract: "Show how well the checkpoints of jobs serve.")

  @Argument(help: "A job's name; by default all, each by itself.")
  var job: String?

  @Option(name: .long, help: ArgumentHelp("How far to look back.", valueName: "time"))
  var within = "7d"

  @OptionGroup var sinkOptions: JobSinkOptions
  @OptionGroup var output: OutputOptions

  private struct Summary: Encodable {
    var job: String
    var metrics: JobMetrics
  }

  func run() async throws {
    try await Failure.reporting(next: nil) {
      let (names, files) = try TypedJobs.names(job.map { [$0] } ?? [])
      let sink = try sinkOptions.require(files: files)
      let age = try RunOptions.duration(within, of: "--within")
      var summaries: [Summary] = []
      for schedule in try await TypedJobs.known(names, in: sink) {
        let facts = try await sink.jobHistory(
          JobHistoryFilter(
            job: schedule.job.name,
            kinds: [.checkpoint, .recovered, .recoveryFailed, .consistent, .inconsistent],
            within: age, limit: 1_000_000))
        summaries.append(Summary(job: schedule.job.name, metrics: .of(facts)))
      }
      if output.json { return try JSONOutput.print(summaries) }
      for summary in summaries { Terminal.print(Self.text(summary)) }
    }
  }

  private static func text(_ summary: Summary) -> String {
    let metrics = summary.metrics
    func text(_ value: Double?, _ describe: (Double) -> String) -> String {
      value.map(describe) ?? "–"
    }
    return """
      \(Terminal.bold(summary.job))
        checkpoint_frequency     \(text(metrics.checkpointFrequency) { Readable.fixed($0, 1) + " an hour" }) (\(metrics.checkpoints) checkpoints)
        average_checkpoint_size  \(text(metrics.averageCheckpointSize) { Readable.bytes(Int($0)) })
        recovery_success_rate    \(text(metrics.recoverySuccessRate, Readable.percent)) (\(metrics.recoveries) recoveries)
        time_to_recovery         \(text(metrics.timeToRecovery, Readable.seconds))
        data_consistency_rate    \(text(metrics.dataConsistencyRate, Readable.percent)) (\(metrics.checks) checks)
      """
  }
}
