import ArgumentParser
import Cairn
import Foundation

/// Finds the sink of commands about cursor jobs.
struct JobSinkOptions: ParsableArguments {
  @Option(name: .long, help: ArgumentHelp("The sink: \(SinkAddress.form).", valueName: "url"))
  var into: String?

  @Option(
    name: .customLong("state-schema"),
    help: ArgumentHelp(
      "PostgreSQL: the schema of Cairn's state; by default cairn.", valueName: "name"))
  var stateSchema: String?

  /// Where the sink is, if flags or the environment say so.
  func address() -> SinkAddress? {
    let environment = ProcessInfo.processInfo.environment
    guard let url = into ?? environment["CAIRN_SINK_URL"] else { return nil }
    return SinkAddress(url: url, stateSchema: stateSchema ?? environment["CAIRN_STATE_SCHEMA"])
  }

  /// Where the sink of a job file is: flags count more.
  func address(of file: CursorJobFile) -> SinkAddress {
    let environment = ProcessInfo.processInfo.environment
    return SinkAddress(
      url: into ?? file.sinkURL,
      stateSchema: stateSchema ?? file.stateSchema ?? environment["CAIRN_STATE_SCHEMA"])
  }

  /// Opens the sink that flags, the environment or the first of the files name.
  ///
  /// - Throws: ``UsageError`` when nothing says where it is.
  func require(files: [CursorJobFile] = []) throws -> any CursorJobSink {
    guard let address = address() ?? files.first.map(address(of:)) else {
      throw UsageError(
        "cannot tell which database the jobs are in",
        remedy: "Add --into \(SinkAddress.form), or name a job file")
    }
    return try address.openJobs()
  }
}

extension SinkAddress {
  /// Opens the sink, for cursor jobs.
  func openJobs(faults: FaultPoints = .none) throws -> any CursorJobSink {
    guard let sink = try open(faults: faults) as? any CursorJobSink else {
      throw UsageError("this sink keeps no cursor jobs")
    }
    return sink
  }
}

/// Jobs as they are typed: names, or paths of job files.
enum TypedJobs {
  /// Whether a word is a path, and not a job's name.
  static func isPath(_ word: String) -> Bool {
    word.contains("/") || word.hasSuffix(".yaml") || word.hasSuffix(".yml")
      || FileManager.default.fileExists(atPath: word)
  }

  static func read(_ path: String) throws -> CursorJobFile {
    let environment = ProcessInfo.processInfo.environment
    var file = try CursorJobFile.read(path, types: CursorJobTypes.all, environment: environment)
    // A load's settings come from the environment too; these are the ones that a job shares.
    let job = try Job(name: file.name, sink: SinkOptions(url: file.sinkURL, table: ""))
      .withAlerts(file.alerts, logging: file.logging).applying(environment: environment)
    file.alerts = job.alerts
    file.logging = job.logging
    if let problems = file.alerts?.problems(), !problems.isEmpty {
      throw JobError(problems: problems)
    }
    return file
  }

  /// The names of jobs that a command is about: those of files are read from them.
  static func names(_ words: [String]) throws -> (names: [String], files: [CursorJobFile]) {
    var names: [String] = []
    var files: [CursorJobFile] = []
    for word in words {
      if isPath(word) {
        let file = try read(word)
        files.append(file)
        names.append(file.name)
      } else {
        names.append(word)
      }
    }
    return (names, files)
  }

  /// Throws unless the sink knows the jobs.
  static func known(
    _ names: [String], in sink: any CursorJobSink
  ) async throws -> [JobSchedule] {
    let all = try await sink.jobs(named: [])
    guard !names.isEmpty else { return all }
    for name in names where !all.contains(where: { $0.job.name == name }) {
      throw unknown(name, all, sink)
    }
    return all.filter { names.contains($0.job.name) }
  }

  static func unknown(
    _ name: String, _ all: [JobSchedule], _ sink: any CursorJobSink
  ) -> UsageError {
    let names = all.map(\.job.name).joined(separator: ", ")
    return UsageError(
      "\(sink.location) knows no job '\(name)'"
        + (names.isEmpty ? "" : "; there are \(names)"),
      remedy: "A job is known once it has run: cairn job run FILE.yaml")
  }
}

extension Job {
  fileprivate func withAlerts(_ alerts: AlertOptions?, logging: LoggingOptions?) -> Job {
    var job = self
    job.alerts = alerts
    job.logging = logging
    return job
  }
}
