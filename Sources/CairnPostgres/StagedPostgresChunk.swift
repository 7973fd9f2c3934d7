import Cairn

/// A chunk whose rows are encoded and whose keys are grouped. It holds no lock and no space in the
/// database.
struct StagedPostgresChunk: StagedChunk {
  let server: Server
  let work: ChunkWork
  let table: QualifiedName
  /// The target as it was when the rows were prepared for it.
  let shape: TargetShape
  /// The unique key by which rows are found, or nil when they are only appended.
  let key: UniqueKey?
  let rows: StagedRows

  /// Prepares a chunk's rows for a target.
  init(_ work: ChunkWork, shape: TargetShape, server: Server) async throws {
    self.server = server
    self.work = work
    self.table = shape.name
    self.shape = shape
    if work.target.mode == .append || work.target.key.isEmpty {
      key = nil
    } else {
      guard let found = shape.uniqueKey(on: work.target.key) else {
        throw SinkError.targetMismatch(
          table: shape.name.sql,
          problems: ["its unique key (\(work.target.key.joined(separator: ", "))) is gone"],
          remedy: "Create it again.")
      }
      key = found
    }
    rows = try await StagedRows(work, shape: shape, key: key, asking: server.aside)
  }

  func commit(under lease: Lease, rejectAllowance: Int) async throws -> CommitOutcome {
    var staged = self
    for _ in 0..<3 {
      let current = staged
      let result = try await server.work.perform {
        connection -> Result<CommitOutcome, TargetChanged> in
        do {
          return .success(
            try ChunkCommit(
              chunk: current, lease: lease, rejectAllowance: rejectAllowance,
              connection: connection
            ).run())
        } catch let changed as TargetChanged {
          return .failure(changed)
        }
      }
      switch result {
      case .success(let outcome): return outcome
      case .failure(let changed):
        staged = try await StagedPostgresChunk(work, shape: changed.shape, server: server)
      }
    }
    throw SinkError.transient("table \(table.sql) is being changed again and again")
  }

  func discard() async {}
}

/// The target is no longer what the rows were prepared for.
struct TargetChanged: Error {
  /// What it is now.
  var shape: TargetShape
}
