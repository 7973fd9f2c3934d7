import Cairn

/// A batch of entities whose rows are encoded. It holds no lock and no space in the database.
struct StagedPostgresEntities: StagedEntities {
  let server: Server
  let work: EntityWork
  /// The rows; nil for a mark alone.
  let rows: Rows?

  struct Rows: Sendable {
    let target: TargetTable
    let batch: RecordBatch
    /// The target as it was when the rows were prepared for it.
    let shape: TargetShape
    let staged: StagedRows
  }

  /// Prepares a batch's rows for a target.
  init(_ work: EntityWork, shape: TargetShape?, server: Server) async throws {
    self.server = server
    self.work = work
    guard let given = work.rows, let shape else {
      rows = nil
      return
    }
    let target = given.target
    var key: UniqueKey?
    if target.mode != .append, !target.key.isEmpty {
      guard let found = shape.uniqueKey(on: target.key) else {
        throw SinkError.targetMismatch(
          table: shape.name.sql,
          problems: ["its unique key (\(target.key.joined(separator: ", "))) is gone"],
          remedy: "Create it again.")
      }
      key = found
    }
    rows = Rows(
      target: target, batch: given.batch, shape: shape,
      staged: try await StagedRows(
        given.batch, for: target, shape: shape, key: key, asking: server.aside))
  }

  func commit(_ mark: EntityMark, under lease: Lease) async throws -> EntityCommitOutcome {
    var staged = self
    for _ in 0..<3 {
      let current = staged
      let result = try await server.work.perform {
        connection -> Result<EntityCommitOutcome, TargetChanged> in
        do {
          return .success(
            try EntityCommit(staged: current, mark: mark, lease: lease, connection: connection)
              .run())
        } catch let changed as TargetChanged {
          return .failure(changed)
        }
      }
      switch result {
      case .success(let outcome): return outcome
      case .failure(let changed):
        staged = try await StagedPostgresEntities(work, shape: changed.shape, server: server)
      }
    }
    throw SinkError.transient(
      "table \(rows?.shape.name.sql ?? "") is being changed again and again")
  }
}
