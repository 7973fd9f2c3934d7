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

  /// Those of the phases in which deleted keys are searched for. They are worked on only when a sweep is
  /// due.
  var sweepPhases: [String] { get }

  /// How often a checkpoint is saved, unless the job says otherwise.
  var checkpointPolicy: CheckpointPolicy { get }

  /// What becomes of a run that was interrupted, unless the job says otherwise.
  var recovery: JobRecovery { get }

  /// The partitions that a run begins with; pages may discover more.
  var firstPartitions: [Partition] { get }

  /// How a job leaves a partition out, in words, for whoever reads that one fails again and again: "leave
  /// it out with `exclude`". Empty where it cannot.
  var leavingOut: String { get }

  /// Takes in what the last checkpoint says of the API's limits, before the first page is asked for: a
  /// process that begins knows nothing of the budget that others have used up. Called only as long as
  /// the window has not ended.
  func recall(_ rateLimit: RateLimit)

  /// Asks for the records after a cursor.
  ///
  /// - Throws: ``CursorSourceError``; any other error is fatal. `CancellationError`, and whatever
  ///   ``PageContext/wait(until:for:)`` throws, must be passed on.
  func page(_ request: PageRequest) async throws -> Page
}

extension CursorSource {
  /// The general layout.
  public var layout: CheckpointLayout { .general }

  /// None.
  public var sweepPhases: [String] { [] }

  /// Nothing.
  public var leavingOut: String { "" }

  /// Nothing.
  public func recall(_ rateLimit: RateLimit) {}

  /// After 100 records or five minutes.
  public var checkpointPolicy: CheckpointPolicy { CheckpointPolicy() }

  /// It goes on from its checkpoint.
  public var recovery: JobRecovery { .resume }
}

/// How often a checkpoint is saved. One is saved with each page; so this is how large and how late a page
/// may be.
public struct CheckpointPolicy: Sendable, Hashable {
  /// The most records of a page.
  public var records: Int
  /// The longest time between two checkpoints of a partition.
  public var interval: Duration

  /// Makes a policy.
  public init(records: Int = 100, interval: Duration = .seconds(300)) {
    self.records = records
    self.interval = interval
  }

  /// For Jira: 100 issues, or 5 minutes.
  public static let jira = CheckpointPolicy(records: 100, interval: .seconds(300))
  /// For GitHub: 50 pull requests, or 3 minutes.
  public static let github = CheckpointPolicy(records: 50, interval: .seconds(180))
}

/// What becomes of a run that was interrupted.
public enum JobRecovery: String, Sendable, Hashable, CaseIterable {
  /// It goes on from its checkpoint.
  case resume
  /// It begins anew, with the same `since`; the checkpoint is kept for reference. What it wrote before is
  /// written again to the same keys.
  case restart
}
