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
        words: jobs, sinkOptions: sinkOptions,
        isWanted: due ? { $0.isDue && $0.worker == nil } : nil
      ).find()
      if found.isEmpty {
        if output.json { Terminal.print("[]") } else { Terminal.note("no job is due") }
        return
      }
      try await JobRuns(
        found: found, skipsBackoff: false, runOptions: runOptions, recordOptions: recordOptions,
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
        words: jobs, sinkOptions: sinkOptions,
        isWanted: jobs.isEmpty ? { $0.status != .paused && $0.status != .finished } : nil
      ).find()
      if jobs.isEmpty {
        found.jobs = try await found.jobs.unfinished()
        if found.isEmpty {
          if output.json { Terminal.print("[]") } else { Terminal.note("no job is unfinished") }
          return
        }
      } else {
        let unfinished = try await found.jobs.unfinished().map(\.file.name)
        if let done = found.jobs.first(where: { !unfinished.contains($0.file.name) }) {
          throw UsageError(
            "job '\(done.file.name)' has no unfinished run",
            remedy: "Begin one with: cairn job run \(shellQuoted(done.file.path))")
        }
      }
      try await JobRuns(
        found: found, skipsBackoff: true, runOptions: runOptions, recordOptions: recordOptions,
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

extension JobSchedule {
  /// Who works on the job now; a process that is known to have ended does not.
  fileprivate var worker: LeaseHolder? { holder.flatMap { $0.owner.isAliveOnThisHost ? $0 : nil } }
}

/// The jobs that a command is to run.
struct FoundJobs {
  var jobs: [FoundJob] = []
  /// Those that nobody named, and whose file cannot be read. They are told of, and the others run.
  var unreadable: [UnreadableJob] = []

  var isEmpty: Bool { jobs.isEmpty && unreadable.isEmpty }
}

/// A job that the sink knows, and whose file cannot be read.
struct UnreadableJob {
  var name: String
  var error: any Error
}

/// Finds the jobs that a command is to run.
struct JobSelection {
  var words: [String]
  var sinkOptions: JobSinkOptions
  /// Which of those that the sink knows; nil for all, without asking it about files that are named.
  var isWanted: ((JobSchedule) -> Bool)?

  func find() async throws -> FoundJobs {
    let (names, files) = try words.reduce(into: ([String](), [CursorJobFile]())) { found, word in
      if TypedJobs.isPath(word) {
        found.1.append(try TypedJobs.read(word))
      } else {
        found.0.append(word)
      }
    }
    var found = FoundJobs()
    for file in files {
      let job = FoundJob(file: file, address: sinkOptions.address(of: file))
      guard let isWanted else {
        found.jobs.append(job)
        continue
      }
      // One that the sink does not know yet is wanted.
      let schedule = try await job.address.openJobs().jobs(named: [file.name]).first
      if schedule.map(isWanted) ?? true { found.jobs.append(job) }
    }
    if !names.isEmpty || words.isEmpty {
      let sink = try sinkOptions.require(files: files)
      for schedule in try await TypedJobs.known(names, in: sink)
      where isWanted?(schedule) ?? true {
        do {
          guard let job = try job(of: schedule, isNamed: !names.isEmpty) else { continue }
          found.jobs.append(job)
        } catch  where names.isEmpty {
          found.unreadable.append(UnreadableJob(name: schedule.job.name, error: error))
        }
      }
    }
    var seen: Set<String> = []
    for job in found.jobs where !seen.insert("\(job.address.url) \(job.file.name)").inserted {
      throw UsageError("the job '\(job.file.name)' is named twice")
    }
    return found
  }

  private func job(of schedule: JobSchedule, isNamed: Bool) throws -> FoundJob? {
    guard let path = schedule.job.file else {
      guard isNamed else { return nil }
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
    return FoundJob(file: file, address: sinkOptions.address(of: file))
  }
}
