/// A kind of source that job files can have: what `type: github` means.
public struct CursorJobType: Sendable {
  /// The name, which is that of the section too: `github`.
  public let name: String
  /// The keys of its section.
  package let keys: [String]
  /// Reads its section. What is wrong is noted in there.
  ///
  /// Returns nil only if something was noted. Nothing is connected to: that is done when the source is
  /// made.
  package let read: @Sendable (YAMLSection, CursorJobSettings) -> SourceMaker?

  /// Makes a source.
  public typealias SourceMaker = @Sendable (CursorSourceEnvironment) throws -> any CursorSource

  /// Makes a kind.
  package init(
    name: String, keys: [String],
    read: @escaping @Sendable (YAMLSection, CursorJobSettings) -> SourceMaker?
  ) {
    self.name = name
    self.keys = keys
    self.read = read
  }
}

/// What a job file says outside of its source's section that the source needs to know.
public struct CursorJobSettings: Sendable, Hashable {
  /// Whether the records' JSON is kept beside the typed columns: `raw`.
  public var keepsJSON: Bool
  /// What becomes of new fields: `fields`.
  public var fields: FieldEvolution
  /// Whether deleted records are searched for: `deletions`.
  public var sweepsDeletions: Bool

  /// Makes settings.
  public init(
    keepsJSON: Bool = false, fields: FieldEvolution = .evolve, sweepsDeletions: Bool = false
  ) {
    self.keepsJSON = keepsJSON
    self.fields = fields
    self.sweepsDeletions = sweepsDeletions
  }
}

/// What a source takes from who runs it.
public struct CursorSourceEnvironment: Sendable {
  /// Time, randomness and waiting.
  public var run: RunEnvironment
  /// How an API's errors are tried again.
  public var retry: RetryPolicy

  /// Makes it.
  public init(run: RunEnvironment = .live, retry: RetryPolicy = RetryPolicy()) {
    self.run = run
    self.retry = retry
  }
}
