/// Which checkpoints to list.
public struct EntityCheckpointFilter: Sendable, Hashable {
  /// Only of this processor.
  public var processor: String?
  /// Only of this partition.
  public var partition: String?

  /// Makes a filter.
  public init(processor: String? = nil, partition: String? = nil) {
    self.processor = processor
    self.partition = partition
  }
}

/// Which attempts to list.
public struct EntityAttemptFilter: Sendable, Hashable {
  /// Only of this processor.
  public var processor: String?
  /// Only those that ended so long ago, by the sink's clock.
  public var within: Duration?
  /// The most attempts to return: the latest.
  public var limit: Int?

  /// Makes a filter.
  public init(processor: String? = nil, within: Duration? = nil, limit: Int? = nil) {
    self.processor = processor
    self.within = within
    self.limit = limit
  }
}
