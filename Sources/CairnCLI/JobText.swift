import Cairn

/// What programs read of how a job ended.
struct JobRunSummary: Encodable {
  var job: String
  var outcome: String
  var exitCode: Int32
  var error: String?
  var report: JobReport?

  init(_ outcome: CursorJobOutcome) {
    let report = outcome.report
    job = report.job
    exitCode = outcome.exitCode
    self.report = report
    switch outcome {
    case .done: self.outcome = "done"
    case .partial: self.outcome = "partial"
    case .stopped(_, let reason):
      self.outcome = "stopped"
      error = "\(reason)"
    }
  }

  init(_ error: any Error, job: String) {
    self.job = job
    outcome = "failed"
    exitCode = ExitStatus.of(error)
    self.error = "\(error)"
  }
}

/// What programs read of what a job would do.
struct JobPlanSummary: Encodable {
  var job: String
  var recovery: String
  var begins: RecoveryPlan.Basis.RawValue
  var waitSeconds: Double?
  var obstacle: String?
  var reason: String
  var status: String?
  var checkpoint: String
  var generation: Int?
  var phase: String?
  var current: String?
  var partitionsOver: Int?
  var partitions: Int?
  var totalRecords: Int?
  var notes: [String]

  init(_ plan: JobPlan) {
    job = plan.job
    recovery = plan.plan.kind.name
    begins = plan.plan.basis.rawValue
    if case .retryWithBackoff(let wait) = plan.plan.kind {
      waitSeconds = Double(wait.components.seconds)
    }
    obstacle =
      switch plan.plan.obstacle {
      case nil: nil
      case .paused: "paused"
      case .held(let holder): "held by \(holder)"
      case .invalidCheckpoint: "no valid checkpoint"
      }
    reason = plan.plan.reason
    status = plan.schedule?.status.rawValue
    checkpoint = plan.choice.standing.rawValue
    notes = plan.choice.notes
    guard let chosen = plan.choice.chosen else { return }
    generation = chosen.generation
    phase = chosen.checkpoint.phase
    current = chosen.checkpoint.current
    partitionsOver = chosen.checkpoint.queue.entries.count(where: \.isOver)
    partitions = chosen.checkpoint.queue.entries.count
    totalRecords = chosen.checkpoint.total
  }
}

/// Jobs as people read of them.
enum JobText {
  static func of(_ outcome: CursorJobOutcome) -> String {
    let report = outcome.report
    let word =
      switch outcome {
      case .done: Terminal.green("done")
      case .partial: Terminal.yellow("done in part")
      case .stopped: Terminal.yellow("stopped")
      }
    var lines = [
      "\(Terminal.bold(report.job))  \(word)"
        + (report.run.map { "  \($0), attempt \(report.attempt)" } ?? ""),
      "  began      \(report.recovery): \(report.reason)",
      "  records    \(Readable.count(report.records)) by this attempt, in"
        + " \(Readable.count(report.pages)) pages by \(Readable.count(report.requests)) requests;"
        + " the run counts \(Readable.count(report.totalRecords))",
      "  partitions \(Readable.count(report.partitionsFinished)) of"
        + " \(Readable.count(report.partitions)) finished",
    ]
    for (table, counts) in report.tables.sorted(by: { $0.key < $1.key }) {
      lines.append(
        "  \(table): \(Readable.count(counts.inserted)) inserted,"
          + " \(Readable.count(counts.updated)) updated,"
          + " \(Readable.count(counts.unchanged + counts.superseded + counts.kept)) unchanged")
    }
    if report.deleted > 0 { lines.append("  deleted    \(Readable.count(report.deleted)) rows") }
    lines.append(
      "  time       \(Readable.seconds(report.seconds))"
        + (report.waitSeconds >= 0.1
          ? ", of which \(Readable.seconds(report.waitSeconds)) waiting" : ""))
    if report.generation > 0 {
      lines.append(
        "  checkpoint generation \(report.generation), \(Readable.bytes(report.checkpointBytes))")
    }
    for unread in report.passedOver {
      lines.append("  passed over \(unread.name): \(unread.reason)")
    }
    for unread in report.failed { lines.append("  failed     \(unread.name): \(unread.reason)") }
    if let isConsistent = report.isConsistent {
      lines.append("  target and marks \(isConsistent ? "agree" : "do not agree")")
    }
    lines += report.notes.map { "  note: \($0)" }
    return lines.joined(separator: "\n")
  }

  static func of(_ plan: JobPlanSummary) -> String {
    var lines = ["\(Terminal.bold(plan.job))  \(plan.recovery): \(plan.reason)"]
    if let obstacle = plan.obstacle { lines.append("  does not run: \(obstacle)") }
    if let wait = plan.waitSeconds, wait > 0 {
      lines.append("  waits \(Readable.seconds(wait)) before")
    }
    if let generation = plan.generation {
      lines.append(
        "  checkpoint generation \(generation) (\(plan.checkpoint)): "
          + [
            plan.phase, plan.current.map { "at \($0)" },
            "\(plan.partitionsOver ?? 0) of \(plan.partitions ?? 0) partitions over",
            "\(Readable.count(plan.totalRecords ?? 0)) records",
          ].compactMap(\.self).joined(separator: ", "))
    } else {
      lines.append("  checkpoint: \(plan.checkpoint)")
    }
    lines += plan.notes.map { "  note: \($0)" }
    return lines.joined(separator: "\n")
  }
}
