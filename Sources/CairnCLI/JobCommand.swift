import ArgumentParser
import Cairn
import CairnTesting
import Foundation

/// `cairn job`.
struct JobCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "job",
    abstract: "Extract from APIs: jobs that go on from the exact page.",
    subcommands: [
      JobRunCommand.self, JobResumeCommand.self, JobStatusCommand.self, JobPauseCommand.self,
      JobUnpauseCommand.self, JobResetCommand.self, JobHistoryCommand.self,
      JobMetricsCommand.self,
    ])
}

/// How jobs are run.
struct JobRunOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp("Stop after this long, also in a wait, like 9m30s.", valueName: "time"))
  var deadline: String?

  @Flag(name: .long, help: "Show what would be done, and do nothing.")
  var plan = false

  @Flag(name: .customLong("take-over"), help: "Take the job from a process that is stuck.")
  var takeOver = false

  @Option(
    name: .long,
    help: ArgumentHelp("How long a silent owner keeps its job.", valueName: "time"))
  var lease: String = "60s"
}

/// `cairn job run`.
struct JobRunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run jobs; safe to repeat.",
    discussion: """
      A job whose run is unfinished goes on from its last committed page; another one begins a run of \
      what changed since the last. Several jobs run at once. --due runs those whose time has come: of \
      the files named, or else all that the sink knows by their files. It is for cron, every minute.

      Exit codes: 0 done, 1 failed, 2 done but for partitions that could not be read, 69 another \
      process works on it, 75 stopped (signal, deadline, API or sink away): run again to go on.
      """)

  @Argument(help: "Names of jobs that the sink knows, or job files.")
  var jobs: [String] = []

  @Flag(name: .long, help: "Run only those that are due.")
  var due = false

  @OptionGroup var sinkOptions: JobSinkOptions
  @OptionGroup var runOptions: JobRunOptions
  @OptionGroup var recordOptions: RecordOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let next = TypedCommand.text
    try await Failure.reporting(next: next) {
      try recordOptions.begin()
      guard due || !jobs.isEmpty else {
        throw UsageError(
          "no job is named", remedy: "cairn job run FILE.yaml, or: cairn job run --due --into URL")
      }
      let found = try await JobSelection(
        words: jobs, dueOnly: due, sinkOptions: sinkOptions
      ).find()
      if found.isEmpty {
        if output.json { Terminal.print("[]") } else { Terminal.note("no job is due") }
        return
      }
      try await JobRuns(
        jobs: found, skipsBackoff: false, runOptions: runOptions, recordOptions: recordOptions,
        output: output
      ).run()
    }
  }
}

/// `cairn job resume`.
struct JobResumeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Go on with unfinished runs at once.",
    discussion: """
      Without a name: all jobs that the sink knows whose run was stopped, was killed or failed. Unlike \
      run, it does not wait after a failure.
      """)

  @Argument(help: "Names of jobs that the sink knows, or job files.")
  var jobs: [String] = []

  @OptionGroup var sinkOptions: JobSinkOptions
  @OptionGroup var runOptions: JobRunOptions
  @OptionGroup var recordOptions: RecordOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let next = TypedCommand.text
    try await Failure.reporting(next: next) {
      try recordOptions.begin()
      var found = try await JobSelection(
        words: jobs, dueOnly: false, sinkOptions: sinkOptions
      ).find()
      if jobs.isEmpty {
        found = try await found.unfinished()
        if found.isEmpty {
          if output.json { Terminal.print("[]") } else { Terminal.note("no job is unfinished") }
          return
        }
      } else {
        let unfinished = try await found.unfinished().map(\.file.name)
        if let done = found.first(where: { !unfinished.contains($0.file.name) }) {
          throw UsageError(
            "job '\(done.file.name)' has no unfinished run",
            remedy: "Begin one with: cairn job run \(shellQuoted(done.file.path))")
        }
      }
      try await JobRuns(
        jobs: found, skipsBackoff: true, runOptions: runOptions, recordOptions: recordOptions,
        output: output
      ).run()
    }
  }
}

/// A job file and its sink.
struct FoundJob {
  var file: CursorJobFile
  var address: SinkAddress
}

extension [FoundJob] {
  /// Those whose run is to be gone on with.
  func unfinished() async throws -> [FoundJob] {
    var unfinished: [FoundJob] = []
    for found in self {
      let sink = try found.address.openJobs()
      let job = try found.file.job(
        into: sink, options: found.file.options, environment: CursorSourceEnvironment())
      let plan = try await job.plan()
      guard let status = plan.schedule?.status, status != .paused else { continue }
      if plan.choice.standing == .unfinished || status == .running || status == .failed {
        unfinished.append(found)
      }
    }
    return unfinished
  }
}

/// The jobs that a command is to run.
struct JobSelection {
  var words: [String]
  var dueOnly: Bool
  var sinkOptions: JobSinkOptions

  func find() async throws -> [FoundJob] {
    let (names, files) = try words.reduce(into: ([String](), [CursorJobFile]())) { found, word in
      if TypedJobs.isPath(word) {
        found.1.append(try TypedJobs.read(word))
      } else {
        found.0.append(word)
      }
    }
    var found = files.map { FoundJob(file: $0, address: sinkOptions.address(of: $0)) }
    if !names.isEmpty || words.isEmpty {
      let sink = try sinkOptions.require(files: files)
      let known = try await TypedJobs.known(names, in: sink)
      for schedule in known where !dueOnly || schedule.isDue {
        guard let path = schedule.job.file else {
          if names.isEmpty { continue }
          throw UsageError(
            "job '\(schedule.job.name)' has no job file: a program runs it",
            remedy: "Let that program run it")
        }
        let file = try TypedJobs.read(path)
        guard file.name == schedule.job.name else {
          throw UsageError(
            "'\(path)' is the file of the job '\(file.name)' now, not of '\(schedule.job.name)'",
            remedy: "Run the job's own file once: cairn job run FILE.yaml")
        }
        found.append(FoundJob(file: file, address: sinkOptions.address(of: file)))
      }
    }
    if dueOnly, !files.isEmpty { found = try await found.filteredByDue(files.map(\.name)) }
    var seen: Set<String> = []
    for job in found where !seen.insert("\(job.address.url) \(job.file.name)").inserted {
      throw UsageError("the job '\(job.file.name)' is named twice")
    }
    return found
  }
}

extension [FoundJob] {
  /// Those that are due: also those that the sink does not know yet.
  fileprivate func filteredByDue(_ names: [String]) async throws -> [FoundJob] {
    var due: [FoundJob] = []
    for job in self {
      guard names.contains(job.file.name) else {
        due.append(job)
        continue
      }
      let schedule = try await job.address.openJobs().jobs(named: [job.file.name]).first
      if schedule?.isDue ?? true { due.append(job) }
    }
    return due
  }
}
