import Cairn
import Synchronization

/// The shapes of tables that were read, so that staging need not ask the server, and a commit reads
/// them again only when the definition has changed.
final class ShapeCache: Sendable {
  private let entries = Mutex<[QualifiedName: TargetShape]>([:])
  private let names = Mutex<[String: QualifiedName]>([:])

  /// The shape that was read last of a table as a user wrote it.
  func known(as text: String) -> TargetShape? {
    names.withLock { $0[text] }.flatMap { self[$0] }
  }

  /// Remembers which table a user's text means.
  func note(_ shape: TargetShape, as text: String) {
    names.withLock { $0[text] = shape.name }
  }

  /// The shape that was read last.
  subscript(_ name: QualifiedName) -> TargetShape? {
    get { entries.withLock { $0[name] } }
    set { entries.withLock { $0[name] = newValue } }
  }

  /// The shape as it is now.
  ///
  /// - Throws: ``SinkError/targetMismatch(table:problems:remedy:)`` when there is no such table.
  func read(_ name: QualifiedName, on connection: Connection) throws -> TargetShape {
    let shape: TargetShape?
    do {
      shape = try TargetShape.read(name, on: connection)
    } catch let error as NotATable {
      throw SinkError.targetMismatch(
        table: name.sql, problems: ["it is a \(error.kind)"],
        remedy: "Rows can only be loaded into a table.")
    }
    guard let shape else { throw Self.gone(name) }
    entries.withLock { $0[name] = shape }
    return shape
  }

  /// The shape as it is now, in the transaction that is open: the table keeps it until its end.
  ///
  /// - Throws: As ``read(_:on:)``.
  func current(_ name: QualifiedName, on connection: Connection) throws -> TargetShape {
    let known = self[name]
    do {
      // Naming the table holds off whoever wants to change it.
      let found = try connection.execute(
        """
        SELECT FROM \(name.sql) WHERE false;
        SELECT \(TargetShape.fingerprintSQL("\(known?.oid ?? 0)"))
        """)
      if let known, found.text(0, 0) == known.fingerprint { return known }
    } catch let failure as PostgresFailure where failure.state == "42P01" {
      throw Self.gone(name)
    }
    return try read(name, on: connection)
  }

  private static func gone(_ name: QualifiedName) -> SinkError {
    .targetMismatch(
      table: name.sql, problems: ["it does not exist any more"],
      remedy: "Abandon the run and load the source anew.")
  }
}
