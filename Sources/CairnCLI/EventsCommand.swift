import ArgumentParser
import Cairn
import Foundation

/// `cairn events`.
struct EventsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "events", abstract: "Show what happened, from the log of events; or add to it.",
    subcommands: [EventsListCommand.self, EventsRecordCommand.self],
    defaultSubcommand: EventsListCommand.self)
}

/// Which log of events a command looks at.
struct EventLogPlace: ParsableArguments {
  @Option(name: .long, help: ArgumentHelp("Folder of the log files.", valueName: "dir"))
  var logs: String?

  @Option(
    name: .long,
    help: ArgumentHelp("The job file, for where its log is.", valueName: "job.yaml"))
  var job: String?

  func files() throws -> LogFiles {
    if let logs { return LogFiles(folder: logs) }
    let environment = ProcessInfo.processInfo.environment
    let plain = Job(name: "", sink: SinkOptions(url: "", table: ""))
    let job = try job.map { try JobFile.read($0, environment: environment).job } ?? plain
    return LogFiles(try job.applying(environment: environment).logging ?? LoggingOptions())
  }

  /// The events there.
  ///
  /// - Throws: ``UsageError`` when there is no log.
  func history() throws -> EventHistory {
    let files = try files()
    guard FileManager.default.fileExists(atPath: files.eventFolder) else {
      throw UsageError(
        "there is no log of events in '\(files.folder)'",
        remedy: "Say where it is with --logs DIR, or with --job and the job file")
    }
    return EventHistory(folder: files.eventFolder)
  }
}

/// Which events a command looks at.
struct EventSelection: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp("Only of this pipeline: for a load its run's id.", valueName: "id"))
  var pipeline: String?

  @Option(name: .long, help: "Only of this stage.")
  var stage: String?

  @Option(name: .long, help: "Only of this type, like stage_error.")
  var type: String?

  @Option(name: .long, help: "Only with this status: success, error, warning or info.")
  var status: String?

  @Option(name: .long, help: "How far back to look.")
  var hours: Double = 24

  func filter(now: Int64) throws -> EventFilter {
    guard hours >= 0 else { throw UsageError("--hours must not be negative") }
    return EventFilter(
      pipelineID: pipeline, stage: stage, type: type.map { EventType(rawValue: $0) },
      status: try status.map { try JobBuilder.choice($0, of: "--status") },
      since: EventFilter.time(hours, before: now))
  }
}

/// `cairn events`, without another word.
struct EventsListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Show events, oldest first.")

  @OptionGroup var selection: EventSelection
  @OptionGroup var place: EventLogPlace

  @Option(name: .long, help: "Only the last so many; with --follow 10 by default.")
  var limit: Int?

  @Flag(name: .shortAndLong, help: "Go on with new events as they are written.")
  var follow = false

  @Flag(name: .long, help: "Print each event as it is in the log: a JSON object a line.")
  var json = false

  func run() async throws {
    try await Failure.reporting(next: nil) {
      if let limit, limit < 0 { throw UsageError("--limit must not be negative") }
      let filter = try selection.filter(now: RunEnvironment.live.now())
      if follow { return try await followEvents(filter) }
      let history = try place.history()
      if let limit {
        for event in try history.events(filter, limit: limit) { show(event) }
      } else {
        // As they come: there may be millions.
        try history.forEach(filter, show)
      }
    }
  }

  private func followEvents(_ filter: EventFilter) async throws {
    // The log may begin later.
    let history = EventHistory(folder: try place.files().eventFolder)
    var follower = try EventFollower(history, filter: filter)
    for event in try follower.begin(in: history, limit: limit ?? 10) { show(event) }
    while true {
      for event in try follower.next() { show(event) }
      try await Task.sleep(for: .milliseconds(200))
    }
  }

  private func show(_ event: Event) {
    Terminal.print(json ? event.jsonLine() : event.textLine())
  }
}

/// `cairn events record`.
struct EventsRecordCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record", abstract: "Add an event to the log, from a script.",
    discussion: """
      With - as the type, events are read from standard input, a JSON object a line, as the log has \
      them; one without a timestamp gets the time it is read.
      """)

  @Argument(help: "What happened, like stage_complete; or - for standard input.")
  var type: String

  @Option(name: .long, help: ArgumentHelp("The pipeline.", valueName: "id"))
  var pipeline: String?

  @Option(name: .long, help: "The stage.")
  var stage: String?

  @Option(name: .long, help: "success, error, warning or info.")
  var status: String = "info"

  @Option(
    name: .long, parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "More that is known, as a JSON value or a text; may be repeated.", valueName: "name=value"))
  var metadata: [String] = []

  @OptionGroup var place: EventLogPlace

  func run() async throws {
    try await Failure.reporting(next: nil) {
      let failure = ReportedFailure()
      let log = EventLog(LogDestination(files: try place.files()), report: { failure.note($0) })
      if type == "-" { try readAll(into: log) } else { try log.record(event()) }
      await log.flush()
      if let reason = failure.reason { throw UsageError(reason) }
    }
  }

  private func event() throws -> Event {
    guard let pipeline else {
      throw UsageError("which pipeline is it about?", remedy: "Add --pipeline ID")
    }
    var known: EventMetadata = [:]
    for pair in metadata {
      guard let equals = pair.firstIndex(of: "="), equals != pair.startIndex else {
        throw UsageError("--metadata '\(pair)' is not name=value")
      }
      known[String(pair[..<equals])] = EventValue(json: String(pair[pair.index(after: equals)...]))
    }
    return try checked(
      Event(
        EventType(rawValue: type), pipelineID: pipeline, stage: stage,
        status: try JobBuilder.choice(status, of: "--status"), metadata: known), "the event")
  }

  /// Refuses what no line of the log may be, as `events.schema.json` has it.
  private func checked(_ event: Event, _ which: String) throws -> Event {
    let type = event.type.rawValue
    guard type.wholeMatch(of: /[a-z][a-z0-9_]*/) != nil else {
      throw UsageError(
        "\(which) has the type '\(type)'; a type is of lower-case letters, digits and underscores,"
          + " and begins with a letter",
        remedy: "Name what happened, like stage_complete")
    }
    if event.pipelineID.isEmpty { throw UsageError("\(which) has an empty pipeline's name") }
    if event.stage?.isEmpty == true {
      throw UsageError(
        "\(which) has an empty stage's name",
        remedy: "Leave the stage out when the event is about the pipeline as a whole")
    }
    return event
  }

  private func readAll(into log: EventLog) throws {
    var number = 0
    while let line = readLine() {
      number += 1
      if line.isEmpty { continue }
      guard let event = Event(jsonLine: line, now: RunEnvironment.live.now()) else {
        throw UsageError(
          "line \(number) is no event",
          remedy: #"Expected an object like {"event_type":"stage_start","pipeline_id":"…"}"#)
      }
      log.record(try checked(event, "line \(number)"))
    }
  }
}
