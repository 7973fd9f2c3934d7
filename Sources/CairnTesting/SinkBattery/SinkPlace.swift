public import Cairn

/// A database that sinks can be tried on, and a way past them to look at it.
public struct SinkPlace: Sendable {
  /// Makes a sink on the database. Each has connections of its own, as another process has.
  public var makeSink: @Sendable () async throws -> any Sink
  /// Looks at the database past the sink.
  public var probe: any TargetProbe

  /// Makes a place.
  public init(
    probe: any TargetProbe, makeSink: @escaping @Sendable () async throws -> any Sink
  ) {
    self.probe = probe
    self.makeSink = makeSink
  }
}

/// Looks at a database past the sink under test, as any other program would.
public protocol TargetProbe: Sendable {
  /// Executes a statement. The battery's are plain SQL that every database knows.
  func execute(_ sql: String) async throws

  /// All rows of a table, in any order: for each a value for each of `target.columns`, read as that
  /// column's type.
  func rows(of target: TargetTable) async throws -> [[CellValue]]
}
