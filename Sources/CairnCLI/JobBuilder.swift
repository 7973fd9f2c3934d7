import Cairn
import Foundation

/// What flags say of a job.
struct JobFlags {
  var job, into, stateSchema, table, key, mode, delimiter, compression, checkpoints: String?
  var nulls: [String] = []
  var chunkRows: Int?
}

/// Makes the job of a command line: the job file, the environment over it, flags over both.
struct JobBuilder {
  var options: JobFlags
  var environment: [String: String] = ProcessInfo.processInfo.environment

  /// The job, and its file's absolute path.
  ///
  /// - Parameters:
  ///   - file: The source given on the command line, if one is.
  ///   - needsSink: Whether a job without a sink is an error.
  func build(file sourceFile: String?, needsSink: Bool = true) throws -> (
    job: Job, jobFile: String?
  ) {
    var job: Job
    var jobFile: String?
    var file: JobFile?
    if let path = options.job {
      let read = try JobFile.read(path, environment: environment)
      file = read
      job = read.job
      jobFile = URL(fileURLWithPath: path).standardizedFileURL.path
    } else {
      var source = SourceOptions()
      source.detectsQuote = true
      job = Job(name: "load", source: source, sink: SinkOptions(url: "", table: ""))
    }
    job = try job.applying(environment: environment)
    try applyFlags(to: &job, file: sourceFile)
    if needsSink, job.sink.url.isEmpty {
      throw UsageError(
        "there is no sink", remedy: "Add --into \(SinkAddress.form), or --job with a job file")
    }
    if needsSink { try file?.validate(job) ?? job.validate() }
    return (job, jobFile)
  }

  private func applyFlags(to job: inout Job, file: String?) throws {
    if let into = options.into { job.sink.url = into }
    if let schema = options.stateSchema { job.sink.stateSchema = schema }
    if let table = options.table { job.sink.table = table }
    if job.sink.table.isEmpty, let name = file.map(Self.tableName) { job.sink.table = name }
    if options.job == nil, !job.sink.table.isEmpty { job.name = "load_\(job.sink.table)" }
    if let key = options.key {
      let hadDefaultMode = job.sink.mode == (job.sink.key.isEmpty ? .append : .upsert)
      job.sink.key = key.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
      if hadDefaultMode { job.sink.mode = job.sink.key.isEmpty ? .append : .upsert }
    }
    if let mode = options.mode {
      job.sink.mode = try Self.choice(mode, of: "--mode")
    }
    if !options.nulls.isEmpty { job.source.nulls += options.nulls }
    if let delimiter = options.delimiter {
      job.source.delimiter = delimiter == "\\t" ? "\t" : delimiter == "auto" ? nil : delimiter
    }
    if let rows = options.chunkRows {
      guard rows > 0 else { throw UsageError("--chunk-rows must be at least 1") }
      job.checkpoint.chunkRows = rows
    }
    if let compression = options.compression {
      job.checkpoint.compression = try Self.choice(compression, of: "--compression")
    }
    if let checkpoints = options.checkpoints { job.checkpoint.directory = checkpoints }
  }

  static func choice<Choice: RawRepresentable & CaseIterable>(
    _ text: String, of flag: String
  ) throws -> Choice where Choice.RawValue == String {
    guard let choice = Choice(rawValue: text) else {
      throw UsageError(
        "\(flag) '\(text)' is none of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return choice
  }

  /// `transport_2025` for `data/Transport-2025.dat.gz`.
  static func tableName(of file: String) -> String {
    guard file != "-" else { return "input" }
    var name = URL(fileURLWithPath: file).lastPathComponent
    for suffix in [".gz", ".zst", ".dat", ".csv", ".tsv", ".txt", ".psv"] {
      if name.lowercased().hasSuffix(suffix) { name = String(name.dropLast(suffix.count)) }
    }
    let words = name.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
    let joined = words.joined(separator: "_")
    return joined.first?.isNumber == true || joined.isEmpty ? "t_\(joined)" : joined
  }
}
