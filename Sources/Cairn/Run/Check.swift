/// What `check` found.
public struct CheckReport: Sendable, Hashable, Codable {
  /// The source's name.
  public var source: String
  /// Rows read.
  public var rows = 0
  /// Rows that would be rejected before the sink.
  public var rejected = 0
  /// How many rejects each rule makes.
  public var rejectsByRule: [String: Int] = [:]
  /// The first rejects.
  public var sample: [Reject] = []
  /// How the target compares: `fits`, or `would be created`.
  public var target: String
  /// Whether a load would stay within the job's error limits.
  public var isWithinLimits = true
}

/// Reads and validates a whole source and compares it with its target; writes nothing.
///
/// - Parameters:
///   - job: What would be loaded.
///   - source: Where the rows come from.
///   - sink: Where they would go.
///   - options: Whom to tell: its log and metrics hear how good the data is.
///   - progress: Called after every chunk.
/// - Returns: What was found.
/// - Throws: As a load would: ``SourceError``, ``SinkError/targetMismatch(table:problems:remedy:)``…
public func check(
  _ job: Job, from source: any Source, against sink: any Sink,
  options: LoadOptions = LoadOptions(), progress: (@Sendable (LoadProgress) -> Void)? = nil
) async throws -> CheckReport {
  let journal = RunJournal(options, job: job.name, run: nil)
  return try await journal.step(RunJournal.check) {
    try await check(
      job, from: source, against: sink, options: options, journal: journal, progress: progress)
  }
}

private func check(
  _ job: Job, from source: any Source, against sink: any Sink, options: LoadOptions,
  journal: RunJournal, progress: (@Sendable (LoadProgress) -> Void)?
) async throws -> CheckReport {
  let environment = options.environment
  let identity = try await source.identify()
  let settings = try await RunResolution(job: job, source: source, options: options)
    .resolve(size: identity.size)
  let exists = try await sink.checkTarget(settings.target)
  var report = CheckReport(source: source.name, target: exists ? "fits" : "would be created")
  let syncID = SyncID(environment: environment)
  let transform = try BatchTransform(
    columns: settings.columns, rules: job.rules, source: job.source, layout: settings.layout,
    lineage: LineageValues(
      file: source.name, run: syncID, startedAt: environment.timestamp()),
    raw: job.errors.raw)
  let reader = try await source.open(settings.layout, at: .start, limits: settings.limits)
  var counts = RowCounts()
  var quality = DataQuality()
  let start = ContinuousClock.now
  while let chunk = try await reader.next() {
    let transformed = try transform.apply(chunk.parse())
    let rejects = transformed.rejects
    if journal.wantsQuality { quality += DataQuality(transformed.batch) }
    let allowance = ErrorBudget.allowance(
      rows: chunk.extent.rows, isFull: !chunk.isLast, before: counts, policy: job.errors)
    if rejects.count > allowance { report.isWithinLimits = false }
    counts.rows += chunk.extent.rows
    counts.rejected += rejects.count
    for reject in rejects { report.rejectsByRule[reject.rule, default: 0] += 1 }
    report.sample += rejects.prefix(max(0, 10 - report.sample.count))
    progress?(
      LoadProgress(
        phase: "checking", syncID: syncID, rows: counts.rows, rowsThisAttempt: counts.rows,
        rejected: counts.rejected, chunks: chunk.extent.chunk + 1, bytes: chunk.extent.end.offset,
        bytesThisAttempt: chunk.extent.end.offset, totalBytes: nil,
        seconds: (ContinuousClock.now - start).inSeconds))
  }
  try await reader.verifyUnchanged()
  report.rows = counts.rows
  report.rejected = counts.rejected
  journal.checked(report, quality, seconds: (ContinuousClock.now - start).inSeconds)
  return report
}
