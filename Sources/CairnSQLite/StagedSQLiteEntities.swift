import Cairn
import GRDB

/// A batch of entities whose rows are ready to be bound. It holds no lock and no space in the
/// database.
struct StagedSQLiteEntities: StagedEntities {
  let file: DatabaseFile
  let faults: FaultPoints
  let work: EntityWork
  /// The rows; nil for a mark alone.
  let rows: Rows?

  struct Rows {
    let target: TargetTable
    let batch: RecordBatch
    let table: TableName
    /// The target as it was when the values were prepared for it.
    let shape: TargetShape
    let staged: StagedRows
  }

  /// Prepares a batch's rows for a target.
  init(
    _ work: EntityWork, table: TableName?, shape: TargetShape?, file: DatabaseFile,
    faults: FaultPoints
  ) throws {
    self.file = file
    self.faults = faults
    self.work = work
    guard let given = work.rows, let table, let shape else {
      rows = nil
      return
    }
    let target = given.target
    var key: UniqueKey?
    if target.mode != .append, !target.key.isEmpty {
      guard let found = shape.uniqueKey(on: target.key) else {
        throw SinkError.targetMismatch(
          table: shape.name, problems: ["its unique key (\(target.key)) is gone"],
          remedy: "Create it again.")
      }
      key = found
    }
    rows = Rows(
      target: target, batch: given.batch, table: table, shape: shape,
      staged: try StagedRows(given.batch, for: target, shape: shape, key: key))
  }

  func commit(_ mark: EntityMark, under lease: Lease) async throws -> EntityCommitOutcome {
    var staged = self
    for _ in 0..<3 {
      let current = staged
      let result = try await file.write { db -> Result<EntityCommitOutcome, TargetChanged> in
        do {
          return .success(
            try EntityCommit(staged: current, mark: mark, lease: lease, db: db).run())
        } catch let changed as TargetChanged {
          return .failure(changed)
        }
      }
      switch result {
      case .success(let outcome): return outcome
      case .failure(let changed):
        do {
          staged = try StagedSQLiteEntities(
            work, table: rows?.table, shape: changed.shape, file: file, faults: faults)
        } catch {
          throw file.classify(error)
        }
      }
    }
    throw SinkError.transient("table '\(rows?.table.name ?? "")' is being changed again and again")
  }
}
