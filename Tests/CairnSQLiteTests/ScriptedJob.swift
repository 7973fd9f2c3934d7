import Cairn
import CairnSQLite
import CommandParts
import Testing

extension CursorJob {
  /// A job over a scripted world: pages of five records, short waits, no backoff.
  ///
  /// - Parameter before: Called before each page; a page that it gives is the answer.
  static func scripted(
    _ world: ScriptedWorld, into sink: SQLiteSink, _ change: (inout CursorJobOptions) -> Void,
    before: @escaping @Sendable (PageRequest) async throws -> Page?
  ) -> CursorJob {
    var options = CursorJobOptions(
      policy: CheckpointPolicy(records: 5), overlap: .zero,
      retry: RetryPolicy(minimumBackoff: .milliseconds(1), maximumBackoff: .milliseconds(5)),
      skipsBackoff: true)
    change(&options)
    return CursorJob(
      name: "scripted", source: ScriptedSource(world, before: before), into: sink,
      options: options)
  }
}

/// A database file for scripted jobs, in a folder of its own.
struct ScriptedPlace {
  let folder: TemporaryFolder
  let sink: SQLiteSink

  init() throws {
    folder = try TemporaryFolder()
    sink = SQLiteSink(path: folder.file("target.db"))
  }
}

/// Tests of scripted jobs in a file of their own.
protocol ScriptedJobTests {
  var place: ScriptedPlace { get }
}

extension ScriptedJobTests {
  var folder: TemporaryFolder { place.folder }
  var sink: SQLiteSink { place.sink }
  var small: ScriptedWorld { ScriptedWorld(repos: 6, items: 12) }
  var target: JobTarget { JobTarget(path: folder.file("target.db")) }
  var probe: SQLiteProbe { SQLiteProbe(path: folder.file("target.db")) }

  /// A job over a world, or over the small one.
  func job(
    _ world: ScriptedWorld? = nil, _ change: (inout CursorJobOptions) -> Void = { _ in },
    before: @escaping @Sendable (PageRequest) async throws -> Page? = { _ in nil }
  ) -> CursorJob {
    .scripted(world ?? small, into: sink, change, before: before)
  }

  func facts(_ kind: JobFact.Kind) async throws -> [JobFact] {
    try await sink.jobHistory(JobHistoryFilter(kinds: [kind]))
  }

  func schedule() async throws -> JobSchedule {
    try #require(try await sink.jobs(named: ["scripted"]).first)
  }

  /// Stops a run half the way.
  func interrupt() async throws {
    _ = try await job(small) {
      $0.atOnce = 1
    } before: { request in
      guard request.partition.name == "org/repo-4" else { return nil }
      throw CursorSourceError.transient("away")
    }.run()
  }
}
