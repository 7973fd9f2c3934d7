import Cairn
import GRDB

/// A chunk whose values are ready to be bound and whose keys are grouped. It holds no lock and no
/// space in the database.
struct StagedSQLiteChunk: StagedChunk {
  let file: DatabaseFile
  let faults: FaultPoints
  let work: ChunkWork
  let table: TableName
  /// The target as it was when the values were prepared for it.
  let shape: TargetShape
  /// The unique key by which rows are found, or nil when they are only appended.
  let key: UniqueKey?
  let rows: StagedRows

  /// Prepares a chunk's rows for a target.
  init(
    _ work: ChunkWork, table: TableName, shape: TargetShape, file: DatabaseFile,
    faults: FaultPoints
  ) throws {
    self.file = file
    self.faults = faults
    self.work = work
    self.table = table
    self.shape = shape
    if work.target.mode == .append || work.target.key.isEmpty {
      key = nil
    } else {
      guard let found = shape.uniqueKey(on: work.target.key) else {
        throw SinkError.targetMismatch(
          table: shape.name, problems: ["its unique key (\(work.target.key)) is gone"],
          remedy: "Create it again.")
      }
      key = found
    }
    rows = try StagedRows(work, shape: shape, key: key)
  }

  func commit(under lease: Lease, rejectAllowance: Int) async throws -> CommitOutcome {
    var staged = self
    for _ in 0..<3 {
      let current = staged
      let result = try await file.write { db -> Result<CommitOutcome, TargetChanged> in
        do {
          return .success(
            try ChunkCommit(
              chunk: current, lease: lease, rejectAllowance: rejectAllowance, db: db
            ).run())
        } catch let changed as TargetChanged {
          return .failure(changed)
        }
      }
      switch result {
      case .success(let outcome): return outcome
      case .failure(let changed):
        do {
          staged = try StagedSQLiteChunk(
            work, table: table, shape: changed.shape, file: file, faults: faults)
        } catch {
          throw file.classify(error)
        }
      }
    }
    throw SinkError.transient("table '\(table.name)' is being changed again and again")
  }

  func discard() async {}
}

/// The target is no longer what the rows were prepared for.
struct TargetChanged: Error {
  /// What it is now.
  var shape: TargetShape
}
