import ArgumentParser
import Cairn

/// Where the job comes from: a job file, flags, or a file and flags over it.
struct JobOptions: ParsableArguments {
  @Option(name: .long, help: ArgumentHelp("The job file.", valueName: "job.yaml"))
  var job: String?

  @Option(name: .long, help: ArgumentHelp("Where rows go: \(SinkAddress.form).", valueName: "url"))
  var into: String?

  @Option(
    name: .customLong("state-schema"),
    help: ArgumentHelp(
      "PostgreSQL: the schema of Cairn's state; by default cairn.", valueName: "name"))
  var stateSchema: String?

  @Option(name: .long, help: "The target table; by default named after the file.")
  var table: String?

  @Option(
    name: .long,
    help: ArgumentHelp("Columns that identify a row, separated by commas.", valueName: "c,…"))
  var key: String?

  @Option(
    name: .long,
    help: "upsert, append, insert_only or replace; by default upsert with a key, else append.")
  var mode: String?

  @Option(
    name: .customLong("null"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp("A field that means \"no value\"; may be repeated.", valueName: "token"))
  var nulls: [String] = []

  @Option(
    name: .long, parsing: .unconditional,
    help: "What separates fields; detected by default.")
  var delimiter: String?

  @Option(
    name: .customLong("chunk-rows"),
    help: ArgumentHelp("Rows of a chunk; by default from the file's size.", valueName: "n"))
  var chunkRows: Int?

  @Option(name: .long, help: "zstd, snappy, lz4, gzip or none.")
  var compression: String?

  @Option(
    name: .long, help: ArgumentHelp("Folder for the runs' chunk files.", valueName: "dir"))
  var checkpoints: String?

  var flags: JobFlags {
    JobFlags(
      job: job, into: into, stateSchema: stateSchema, table: table, key: key, mode: mode,
      delimiter: delimiter,
      compression: compression, checkpoints: checkpoints, nulls: nulls, chunkRows: chunkRows)
  }
}

/// What a command prints.
struct OutputOptions: ParsableArguments {
  @Flag(name: .long, help: "Print the result as JSON.")
  var json = false

  @Flag(name: .shortAndLong, help: "Print no progress.")
  var quiet = false
}

/// How a run is run.
struct RunOptions: ParsableArguments {
  @Option(
    name: .long, help: ArgumentHelp("Stop after this long, like 9m30s.", valueName: "time"))
  var deadline: String?

  @Flag(name: .customLong("take-over"), help: "Take the run from a process that is stuck.")
  var takeOver = false

  @Option(
    name: .long,
    help: ArgumentHelp("Wait this long for the run's owner, like 5m.", valueName: "time"))
  var wait: String?

  @Option(
    name: .long,
    help: ArgumentHelp("How long a silent owner keeps its run.", valueName: "time"))
  var lease: String = "60s"

  @Flag(name: .long, help: "Print where the time went, to standard error.")
  var profile = false

  /// - Throws: ``UsageError`` for a duration that is none.
  func loadOptions(
    stop: StopRequest, fresh: Bool, faults: FaultPoints, jobFile: String?, records: CommandRecords
  ) throws -> LoadOptions {
    LoadOptions(
      fresh: fresh, takeOver: takeOver, leaseDuration: try Self.duration(lease, of: "--lease"),
      waitForOwner: try wait.map { try Self.duration($0, of: "--wait") } ?? .zero,
      memoryBudget: MemoryBudget.bytes(), logger: records.logger, events: records.events,
      metrics: records.metrics, faults: faults, jobFile: jobFile, stop: stop)
  }

  func deadlineDuration() throws -> Duration? {
    try deadline.map { try Self.duration($0, of: "--deadline") }
  }

  static func duration(_ text: String, of flag: String) throws -> Duration {
    guard let duration = DurationText.parse(text) else {
      throw UsageError("\(flag) '\(text)' is not a duration", remedy: "Write it like 90s or 9m30s")
    }
    return duration
  }
}
