public import Cairn

/// A registry of stages in a PostgreSQL database: tables `stage_checkpoints` and `stage_pipelines` in the
/// schema of Cairn's state.
///
/// The checkpoints' files stay in their folder; processes on several hosts must share it.
public struct PostgresStageRegistry: StageRegistry {
  private let lane: Lane
  private let state: StateSchema

  /// Makes a registry. It connects when it is first used.
  ///
  /// - Parameters:
  ///   - url: A URL or `key=value` text as libpq reads it; see `PostgresSink`.
  ///   - stateSchema: The schema that holds Cairn's state; nil for what the URL says, else `cairn`.
  public init(url: String, stateSchema: String? = nil) {
    let address = ServerAddress(url, stateSchema: stateSchema)
    lane = Lane(address, label: "stages")
    state = StateSchema(address.stateSchema)
  }

  private var tables: StageTables { StageTables(state: state) }

  /// The server and database, without secrets.
  public var location: String { lane.location }

  /// Creates or migrates the state tables, where they are missing.
  public func prepare() async throws {
    let state = state
    try await lane.perform { try state.migrate(on: $0) }
  }

  // MARK: Executions

  /// Decided under a lock of the claim's key.
  public func claim(_ claim: PipelineClaim) async throws -> PipelineClaimOutcome {
    let tables = tables
    return try await transaction { try tables.claim(claim, on: $0) }
  }

  /// Prolongs a lease.
  public func renew(_ lease: PipelineLease, duration: Duration) async throws {
    let pipelines = state.pipelines
    try await fenced(lease) { connection in
      try connection.query(
        "UPDATE \(pipelines) SET expires_at = \(SinkClock.later(by: "$2")) WHERE pipeline_id = $1",
        [.text(lease.pipelineID), .text("\(duration.inSeconds)")])
    }
  }

  /// Records how the attempt ended and gives the lease back.
  public func end(_ lease: PipelineLease, error: String?, at time: String) async throws {
    let pipelines = state.pipelines
    try await transaction { connection in
      try connection.query(
        """
        UPDATE \(pipelines)
        SET status = $4, error = $5, updated_at = $6, completed_at = $7, token = '',
          expires_at = \(SinkClock.now)
        WHERE pipeline_id = $1 AND fence = $2 AND token = $3
        """,
        [
          .text(lease.pipelineID), .integer(lease.fence), .text(lease.token),
          .text((error == nil ? PipelineStatus.completed : .failed).rawValue), .text(error),
          .text(time), .text(error == nil ? time : nil),
        ])
      return
    }
  }

  /// The executions; none while there are no tables.
  public func executions(of pipeline: String?) async throws -> [PipelineExecution] {
    let tables = tables
    return try await reading { connection in
      try tables.executions(
        where: pipeline == nil ? "true" : "l.pipeline = $1",
        pipeline.map { [.text($0)] } ?? [], on: connection
      ).map(\.execution)
    } ?? []
  }

  /// Deletes executions that nobody owns.
  public func removeExecutions(before time: String) async throws {
    let tables = tables
    let old = try await reading { connection in
      try tables.executions(where: "l.updated_at < $1", [.text(time)], on: connection)
        .filter { !$0.isHeld }.map(\.lease)
    }
    guard let old, !old.isEmpty else { return }
    try await transaction { connection in
      for lease in old {
        try connection.query(
          """
          DELETE FROM \(tables.state.pipelines)
          WHERE pipeline_id = $1 AND fence = $2 AND token = $3
          """, [.text(lease.pipelineID), .integer(lease.fence), .text(lease.token)])
      }
    }
  }

  // MARK: Checkpoints

  /// Inserts a checkpoint, in one durable transaction with the check of the lease.
  public func record(_ checkpoint: StageCheckpoint, under lease: PipelineLease?) async throws {
    let tables = tables
    if lease == nil { try await prepare() }
    try await fenced(lease) { try tables.insert(checkpoint, on: $0) }
  }

  /// The checkpoints; none while there are no tables.
  public func checkpoints(_ filter: CheckpointFilter) async throws -> [StageCheckpoint] {
    let tables = tables
    return try await reading { try tables.select(filter, on: $0) } ?? []
  }

  /// Deletes them in one transaction.
  public func remove(_ checkpoints: [StageCheckpoint]) async throws {
    guard !checkpoints.isEmpty else { return }
    let tables = tables
    try await transaction { connection in
      for checkpoint in checkpoints { try tables.delete(checkpoint, on: connection) }
    }
  }

  // MARK: Transactions

  private func transaction<Value: Sendable>(
    _ body: @escaping @Sendable (Connection) throws -> Value
  ) async throws -> Value {
    try await lane.perform { connection in
      try connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
      let value = try body(connection)
      try connection.commitDurably()
      return value
    }
  }

  /// Does something in one transaction with the check that a lease counts, if there is one.
  private func fenced(
    _ lease: PipelineLease?, _ body: @escaping @Sendable (Connection) throws -> Void
  ) async throws {
    let tables = tables
    let successor = try await transaction { connection -> Successor? in
      if let lease, let successor = try tables.successor(of: lease, on: connection) {
        return successor
      }
      try body(connection)
      return nil
    }
    if let successor, let lease {
      throw PipelineError.overtaken(lease.pipelineID, successor.holder)
    }
  }

  /// Reads; nil where there are no tables yet.
  private func reading<Value: Sendable>(
    _ body: @escaping @Sendable (Connection) throws -> Value
  ) async throws -> Value? {
    let state = state
    return try await lane.perform { connection -> Value? in
      guard try state.versionFound(on: connection) >= StateSchema.firstWithStages else {
        return nil
      }
      return try body(connection)
    }
  }
}
