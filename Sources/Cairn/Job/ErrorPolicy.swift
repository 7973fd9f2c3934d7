/// How many rejects are too many, and what is kept of them.
public struct ErrorPolicy: Sendable, Hashable, Codable {
  /// The largest share of rejects, 0…1, in a full chunk and in all, counted from 1,000 rows on.
  public var maximumRate: Double
  /// The most rejects in all.
  public var maximumRows: Int
  /// How a run with rejects within the limits ends.
  public var onRejects: RejectOutcome
  /// How a run without any row ends.
  public var onEmpty: EmptyOutcome
  /// What a reject keeps of its row.
  public var raw: RawRetention

  /// Makes a policy; the defaults are the job file's.
  public init(
    maximumRate: Double = 0.10, maximumRows: Int = 10_000, onRejects: RejectOutcome = .success,
    onEmpty: EmptyOutcome = .success, raw: RawRetention = .full
  ) {
    self.maximumRate = maximumRate
    self.maximumRows = maximumRows
    self.onRejects = onRejects
    self.onEmpty = onEmpty
    self.raw = raw
  }
}

/// How a run with rejects within the limits ends.
public enum RejectOutcome: String, Sendable, Hashable, Codable, CaseIterable {
  /// As SUCCESS.
  case success
  /// As PARTIAL_SUCCESS.
  case partial
}

/// How a run over a source without rows ends.
public enum EmptyOutcome: String, Sendable, Hashable, Codable, CaseIterable {
  /// As SUCCESS.
  case success
  /// As FAILED.
  case fail
}

/// What a reject keeps of its row.
public enum RawRetention: String, Sendable, Hashable, Codable, CaseIterable {
  /// The row as it was.
  case full
  /// The row with every letter replaced by `x` and every digit by `9`.
  case masked
  /// Nothing.
  case none
}
