/// An API that is read page by page: what a program implements to extract from one of its own.
///
/// The source knows how to ask for a page; the driver does the rest: the order, several partitions at
/// once, the commit of each page's rows with the cursor after them, retries, limits, progress.
///
/// Methods may be called from several tasks at once, for different partitions.
public protocol CursorSource: Sendable {
  /// What kind of source it is: `github`, `jira`, or a name of the program's own. Its checkpoints carry
  /// it, so that no job goes on from those of another kind.
  var type: String { get }

  /// What decides which records land, in words: the organisation, a filter, the tables wanted. When it
  /// differs from the checkpoint's, the checkpoint is not gone on from. Without secrets.
  var scope: String { get }

  /// How its checkpoints name their fields.
  var layout: CheckpointLayout { get }

  /// The names of the phases, in their order. The partitions of a phase are all finished before those
  /// of the next begin.
  var phases: [String] { get }

  /// The tables that its records go to.
  var tables: [RecordTable] { get }

  /// The partitions that a run begins with; pages may discover more.
  var firstPartitions: [Partition] { get }

  /// Asks for the records after a cursor.
  ///
  /// - Throws: ``CursorSourceError``; any other error is fatal. `CancellationError`, and whatever
  ///   ``PageContext/wait(until:for:)`` throws, must be passed on.
  func page(_ request: PageRequest) async throws -> Page
}

extension CursorSource {
  /// The general layout.
  public var layout: CheckpointLayout { .general }
}
