/// What has a cursor of its own: a repository's pull requests, a project's issues.
public struct Partition: Sendable, Hashable {
  /// The phase it belongs to, one of ``CursorSource/phases``.
  public var phase: String
  /// Its name, unique within the phase: `apache/parquet-java`.
  public var name: String
  /// Whether it is read from its begin in every run, however far an earlier one came: a list that is to
  /// be discovered anew, a sweep.
  public var isReadWhole: Bool

  /// Names a partition.
  public init(phase: String, name: String, isReadWhole: Bool = false) {
    self.phase = phase
    self.name = name
    self.isReadWhole = isReadWhole
  }
}
