import Cairn
import GRDB
import Synchronization

/// The shapes of targets that were read, so that staging need not wait for the connection, and a
/// commit reads them again only when the schema has changed.
final class ShapeCache: Sendable {
  private struct Entry {
    var schemaVersion: Int
    var shape: TargetShape
  }

  private let entries = Mutex<[String: Entry]>([:])

  /// The shape that was read last.
  subscript(_ table: TableName) -> TargetShape? {
    entries.withLock { $0[table.identity]?.shape }
  }

  /// Forgets all shapes.
  func clear() { entries.withLock { $0.removeAll() } }

  /// The shape as it is now.
  ///
  /// - Throws: ``SinkError/targetMismatch(table:problems:remedy:)`` when there is no such table.
  func current(_ table: TableName, in db: Database) throws -> TargetShape {
    let version =
      try Int.fetchOne(db.cachedStatement(sql: "PRAGMA main.schema_version")) ?? 0
    if let entry = entries.withLock({ $0[table.identity] }), entry.schemaVersion == version {
      return entry.shape
    }
    let shape: TargetShape?
    do {
      shape = try TargetShape.read(table, in: db)
    } catch let error as NotATable {
      throw SinkError.targetMismatch(
        table: table.name, problems: ["it is a \(error.kind)"],
        remedy: "Rows can only be loaded into a table.")
    }
    guard let shape else {
      throw SinkError.targetMismatch(
        table: table.name, problems: ["it does not exist any more"],
        remedy: "Abandon the run and load the source anew.")
    }
    entries.withLock { $0[table.identity] = Entry(schemaVersion: version, shape: shape) }
    return shape
  }
}
