/// One thing that every sink must do.
public struct SinkCheck: Sendable, CustomStringConvertible {
  /// What it must do, as a sentence.
  public var name: String
  private var body: @Sendable (SinkPlace) async throws -> Void

  init(_ name: String, _ body: @escaping @Sendable (SinkPlace) async throws -> Void) {
    self.name = name
    self.body = body
  }

  /// The name.
  public var description: String { name }

  /// Checks a sink.
  ///
  /// - Parameter place: A database without any table, which nothing else uses.
  /// - Throws: ``BatteryFailure``, or what the sink throws where it should not.
  public func run(on place: SinkPlace) async throws { try await body(place) }
}

/// What every ``Sink`` must do, to be run against each implementation:
///
/// ```swift
/// @Test(arguments: SinkBattery.checks)
/// func conformance(_ check: SinkCheck) async throws {
///   try await check.run(on: freshPlace())
/// }
/// ```
public enum SinkBattery {
  /// All checks, each independent of the others.
  public static let checks: [SinkCheck] =
    RunChecks.all + LeaseChecks.all + CommitChecks.all + ModeChecks.all + LateChunkChecks.all
    + RejectChecks.all + ReplayChecks.all + FinishChecks.all + TargetChecks.all + TypeChecks.all
    + TraceChecks.all

  /// All checks of a sink that keeps marks of entity batches too (``EntityBatchSink``).
  public static let entityChecks: [SinkCheck] =
    EntityChecks.all + EntityCompletionChecks.all + EntityLoadChecks.all

  /// All checks of a sink that keeps the cursors of jobs too (``CursorJobSink``).
  public static let jobChecks: [SinkCheck] =
    JobChecks.all + JobPageChecks.all + JobTableChecks.all + JobConcurrencyChecks.all
    + JobTraceChecks.all
}
