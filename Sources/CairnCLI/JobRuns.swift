import ArgumentParser
import Cairn
import CairnAlerts
import CairnTesting
import Foundation

/// Runs several jobs at once, and prints how they ended.
struct JobRuns {
  var found: FoundJobs
  var skipsBackoff: Bool
  var runOptions: JobRunOptions
  var recordOptions: RecordOptions
  var output: OutputOptions

  private var jobs: [FoundJob] { found.jobs }

  private enum Ending: Sendable {
    case outcome(CursorJobOutcome)
    case failed(any Error)
  }

  func run() async throws {
    let deadline = try runOptions.deadline.map { try RunOptions.duration($0, of: "--deadline") }
    let lease = try RunOptions.duration(runOptions.lease, of: "--lease")
    let faults = try FaultPoints.crashing(environment: ProcessInfo.processInfo.environment)
    if runOptions.plan { return try await showPlans() }
    let stop = StopRequest()
    if Set(jobs.map(\.file.logging)).count > 1 {
      Terminal.note(
        "the job files' logging: differs; that of '\(jobs.first?.file.name ?? "")' holds for all")
    }
    let records = try recordOptions.open(jobs.first?.file.logging)
    var prepared: [(found: FoundJob, job: CursorJob)] = []
    for found in jobs {
      var options = found.file.options
      options.skipsBackoff = skipsBackoff
      options.takeOver = runOptions.takeOver
      options.leaseDuration = lease
      options.logger = records.logger
      options.events = records.events
      options.metrics = records.metrics
      options.faults = faults
      options.stop = stop
      let sink = try found.address.openJobs(faults: faults)
      prepared.append(
        (
          found,
          try found.file.job(
            into: sink, options: options,
            environment: CursorSourceEnvironment(retry: options.retry))
        ))
    }
    let lines = JobProgressLines(quiet: output.quiet, several: jobs.count > 1)
    let cursorJobs = prepared.map(\.job)
    let endings = try await records.keeping {
      try await Signals.stopping(stop, quiet: output.quiet) {
        await withTaskGroup(of: (Int, Ending).self) { group in
          for (index, job) in cursorJobs.enumerated() {
            group.addTask {
              do {
                return (
                  index,
                  .outcome(try await job.run(deadline: deadline, progress: { lines.show($0) }))
                )
              } catch {
                return (index, .failed(error))
              }
            }
          }
          var endings: [Int: Ending] = [:]
          for await (index, ending) in group {
            endings[index] = ending
            lines.end()
          }
          return endings
        }
      }
    }
    var codes: [Int32] = []
    var reports: [JobRunSummary] = []
    for unreadable in found.unreadable { codes.append(tell(unreadable, &reports)) }
    for (index, (found, job)) in prepared.enumerated() {
      guard let ending = endings[index] else { continue }
      codes.append(tell(ending, of: found, job, stop, &reports))
      await alert(ending, of: found, job, stop)
    }
    if output.json { try JSONOutput.print(reports) }
    // The worst counts: what failed before what was stopped, before what was done in part.
    let order: [Int32] = [
      ExitStatus.failed, ExitStatus.usage, ExitStatus.badData, ExitStatus.owned,
      ExitStatus.stopped, ExitStatus.partial,
    ]
    if let code = order.first(where: codes.contains) { throw ExitCode(code) }
  }

  /// Says that a job could not be begun.
  ///
  /// - Returns: The exit code.
  private func tell(_ unreadable: UnreadableJob, _ reports: inout [JobRunSummary]) -> Int32 {
    reports.append(JobRunSummary(unreadable.error, job: unreadable.name))
    Terminal.note(
      "\(Terminal.red("cairn:")) \(unreadable.name) is not run, its file cannot be read:"
        + " \(unreadable.error)", level: .error)
    Terminal.note(
      "Where the file has moved: cairn job run FILE.yaml. Where the job is no longer wanted:"
        + " cairn job pause \(shellQuoted(unreadable.name))")
    return ExitStatus.of(unreadable.error)
  }

  /// Prints how a job ended.
  ///
  /// - Returns: The exit code.
  private func tell(
    _ ending: Ending, of found: FoundJob, _ job: CursorJob, _ stop: StopRequest,
    _ reports: inout [JobRunSummary]
  ) -> Int32 {
    switch ending {
    case .outcome(let outcome):
      reports.append(JobRunSummary(outcome))
      if !output.json { Terminal.print(JobText.of(outcome)) }
      if case .stopped(_, let reason) = outcome {
        Terminal.note(
          "stopped: \(reason). Nothing is lost; go on with:\n  \(command("resume", found))")
      }
      return outcome.exitCode
    case .failed(let error):
      reports.append(JobRunSummary(error, job: job.name))
      Terminal.note("\(Terminal.red("cairn:")) \(job.name): \(error)", level: .error)
      if !(error is CursorJobError) {
        Terminal.note("Then go on with: \(command("resume", found))")
      }
      return ExitStatus.of(error)
    }
  }

  private func command(_ name: String, _ found: FoundJob) -> String {
    "cairn job \(name) \(shellQuoted(found.file.path))"
  }

  private func alert(
    _ ending: Ending, of found: FoundJob, _ job: CursorJob, _ stop: StopRequest
  ) async {
    guard let options = found.file.alerts else { return }
    var alert: Alert
    let occasion: AlertOccasion
    var problem: Alert.Problem?
    switch ending {
    case .outcome(.done): occasion = .success
    case .outcome(.partial(let report)):
      occasion = .partialSuccess
      problem = Alert.Problem(
        errorClass: .data,
        summary: "not read: "
          + report.passedOver.map { "\($0.name) (\($0.reason))" }.prefix(5)
          .joined(separator: ", "))
    case .outcome(.stopped(_, let reason)):
      switch reason {
      case .sinkAway, .sourceAway, .circuitOpen, .loadUnfinished: occasion = .failed
      case .deadline, .signal, .cancelled: return
      }
      problem = Alert.Problem(errorClass: .transient, summary: "\(reason)")
    case .failed(let error):
      guard stop.raised == nil, ExitStatus.of(error) != ExitStatus.owned else { return }
      occasion = .failed
      problem = Alert.Problem(errorClass: .of(error), summary: ErrorSummary.of(error))
    }
    alert = Alert(
      occasion, job: job.name, source: found.file.type,
      table: job.source.tables.map { job.tablePrefix + $0.name }.joined(separator: ", "),
      sink: job.sink.location)
    if case .outcome(let outcome) = ending {
      alert.syncID = outcome.report.run
      alert.attempt = outcome.report.attempt
      var counts = RowCounts()
      for table in outcome.report.tables.values { counts += table }
      alert.counts = counts
    }
    alert.problem = problem
    if occasion == .failed { alert.nextCommand = command("resume", found) }
    let sending = alert
    let deliveries = await Signals.ending(with: ExitStatus.stopped) {
      await send(sending, by: options)
    }
    let lost = deliveries.filter { $0.failure != nil }
    guard !lost.isEmpty else { return }
    let reasons = lost.map(\.description).joined(separator: "; ")
    CommandLog.logger.warning("alert not sent: \(reasons)")
  }

  private func showPlans() async throws {
    var plans: [JobPlanSummary] = []
    for found in jobs {
      let sink = try found.address.openJobs()
      let job = try found.file.job(
        into: sink, options: found.file.options, environment: CursorSourceEnvironment())
      plans.append(JobPlanSummary(try await job.plan()))
    }
    if output.json {
      try JSONOutput.print(plans)
    } else {
      Terminal.print(plans.map(JobText.of).joined(separator: "\n"))
    }
    var reports: [JobRunSummary] = []
    let codes = found.unreadable.map { tell($0, &reports) }
    if let code = codes.first { throw ExitCode(code) }
  }
}
