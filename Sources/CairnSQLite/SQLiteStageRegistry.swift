public import Cairn
import GRDB

/// A registry of stages in a SQLite database: tables `cairn_stage_checkpoints` and
/// `cairn_stage_pipelines`, beside Cairn's other state where there is any.
///
/// The checkpoints' files stay in their folder.
public struct SQLiteStageRegistry: StageRegistry {
  private let file: DatabaseFile

  /// Makes a registry. The file is opened when it is first needed.
  ///
  /// - Parameters:
  ///   - path: The database file.
  ///   - busyTimeout: How long to wait for another program that is writing.
  public init(path: String, busyTimeout: Duration = .seconds(10)) {
    file = DatabaseFile(path: path, busyTimeout: busyTimeout)
  }

  /// `sqlite:` and the database file's path.
  public var location: String { "sqlite:\(file.path)" }

  /// Creates or migrates the `cairn_` tables in the database file.
  public func prepare() async throws { try await StateSchema.prepare(file) }

  // MARK: Executions

  /// Decided under the write lock.
  public func claim(_ claim: PipelineClaim) async throws -> PipelineClaimOutcome {
    try await file.transaction { try StageTables.claim(claim, in: $0) }
  }

  /// Prolongs a lease.
  public func renew(_ lease: PipelineLease, duration: Duration) async throws {
    try await fenced(lease) { db in
      try db.execute(
        sql: """
          UPDATE cairn_stage_pipelines SET expires_at = \(SinkClock.later(by: "?"))
          WHERE pipeline_id = ?
          """,
        arguments: [duration.inSeconds, lease.pipelineID])
    }
  }

  /// Records how the attempt ended and gives the lease back.
  public func end(_ lease: PipelineLease, error: String?, at time: String) async throws {
    try await file.transaction { db in
      try db.execute(
        sql: """
          UPDATE cairn_stage_pipelines
          SET status = ?, error = ?, updated_at = ?, completed_at = ?, token = '',
            expires_at = \(SinkClock.now)
          WHERE pipeline_id = ? AND fence = ? AND token = ?
          """,
        arguments: [
          (error == nil ? PipelineStatus.completed : .failed).rawValue, error, time,
          error == nil ? time : nil, lease.pipelineID, lease.fence, lease.token,
        ])
    }
  }

  /// The executions; none while there is no database file.
  public func executions(of pipeline: String?) async throws -> [PipelineExecution] {
    try await reading { db in
      try StageTables.executions(
        where: pipeline == nil ? "1" : "pipeline = ?", pipeline.map { [$0] } ?? [], in: db
      ).map(\.execution)
    } ?? []
  }

  /// Deletes executions that nobody owns.
  public func removeExecutions(before time: String) async throws {
    let old = try await reading { db in
      try StageTables.executions(where: "updated_at < ?", [time], in: db)
        .filter { !$0.isHeld }.map(\.lease)
    }
    guard let old, !old.isEmpty else { return }
    try await file.transaction { db in
      for lease in old {
        try db.execute(
          sql: """
            DELETE FROM cairn_stage_pipelines WHERE pipeline_id = ? AND fence = ? AND token = ?
            """,
          arguments: [lease.pipelineID, lease.fence, lease.token])
      }
    }
  }

  // MARK: Checkpoints

  /// Inserts a checkpoint, in one transaction with the check of the lease.
  public func record(_ checkpoint: StageCheckpoint, under lease: PipelineLease?) async throws {
    try await fenced(lease) { db in try StageTables.insert(checkpoint, in: db) }
  }

  /// The checkpoints; none while there is no database file.
  public func checkpoints(_ filter: CheckpointFilter) async throws -> [StageCheckpoint] {
    try await reading { try StageTables.select(filter, in: $0) } ?? []
  }

  /// Deletes them in one transaction.
  public func remove(_ checkpoints: [StageCheckpoint]) async throws {
    guard !checkpoints.isEmpty else { return }
    try await file.transaction { db in
      for checkpoint in checkpoints { try StageTables.delete(checkpoint, in: db) }
    }
  }

  // MARK: Transactions

  /// Does something in one transaction with the check that a lease counts, if there is one.
  private func fenced(
    _ lease: PipelineLease?, _ body: @escaping @Sendable (Database) throws -> Void
  ) async throws {
    if lease == nil { try await prepare() }
    let successor = try await file.transaction { db -> Successor? in
      if let lease, let successor = try StageTables.successor(of: lease, in: db) {
        return successor
      }
      try body(db)
      return nil
    }
    if let successor, let lease {
      throw PipelineError.overtaken(lease.pipelineID, successor.holder)
    }
  }

  /// Reads; nil where there are no tables yet.
  private func reading<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws -> Value? {
    let path = file.path
    return try await file.read { db -> Value? in
      guard try StateSchema.versionFound(db, path: path) >= StateSchema.firstWithStages else {
        return nil
      }
      return try body(db)
    } ?? nil
  }
}
