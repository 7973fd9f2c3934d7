/// What lineage columns record of a run; the same for every attempt.
public struct LineageValues: Sendable, Hashable, Codable {
  /// The source's name.
  public var file: String
  /// The run's id.
  public var run: String
  /// When the run began, in microseconds since 1970-01-01 00:00:00 UTC.
  public var loadedAt: Int64

  /// Makes lineage values.
  public init(file: String, run: String, loadedAt: Int64) {
    self.file = file
    self.run = run
    self.loadedAt = loadedAt
  }
}
