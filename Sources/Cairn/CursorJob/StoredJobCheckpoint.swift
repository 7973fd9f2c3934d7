/// A generation of a job's checkpoint, as the sink has it.
public struct StoredJobCheckpoint: Sendable, Hashable {
  /// Its number; each commit of the job makes the next.
  public var generation: Int
  /// The run it belongs to.
  public var run: SyncID
  /// The checkpoint, a JSON text.
  public var data: String
  /// SHA-256 of ``data`` as it was written, in hex. Databases may write JSON in another way than they
  /// were given it; so the text is kept as text beside it.
  public var digest: String
  /// When it was committed, by the sink's clock, in ISO 8601 UTC.
  public var committedAt: String
  /// Whether it was moved aside: it is kept to be looked at, not gone on from.
  public var isAside: Bool

  /// Makes it.
  public init(
    generation: Int, run: SyncID, data: String, digest: String, committedAt: String,
    isAside: Bool = false
  ) {
    self.generation = generation
    self.run = run
    self.data = data
    self.digest = digest
    self.committedAt = committedAt
    self.isAside = isAside
  }
}

/// The checkpoint that a page is committed with.
public struct NewJobCheckpoint: Sendable, Hashable {
  /// Its number: one more than that of the generation it follows.
  public var generation: Int
  /// The checkpoint, a JSON text.
  public var data: String
  /// SHA-256 of ``data``, in hex.
  public var digest: String
  /// Facts for the history, committed with it.
  public var facts: [JobFact]

  /// Makes it.
  public init(generation: Int, data: String, digest: String, facts: [JobFact] = []) {
    self.generation = generation
    self.data = data
    self.digest = digest
    self.facts = facts
  }
}
