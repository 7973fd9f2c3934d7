import Cairn
import CairnSQLite
import CommandParts

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
