/// Processes entities in batches, each of which is committed together with the mark that says so.
///
/// ```swift
/// let processor = Processor("player_stats", into: sink, target: EntityTarget("stats", key: ["player"]))
/// try await processor.forEachBatch(of: players, id: \.id, partition: day, size: .auto) { batch in
///   BatchResult(rows: try await compute(batch.entities), state: model.snapshot())
/// }
/// ```
///
/// A process that dies is called again with the same entities and goes on after the last batch that
/// was committed. One call at a time works on a partition, whichever process it comes from.
public struct Processor: Sendable {
  /// The processor's name: with the partition it finds the checkpoint.
  public var name: String
  /// Where rows and marks go.
  public var sink: any EntityBatchSink
  /// The table for rows; nil for a processor that has none, or writes them itself.
  public var target: EntityTarget?
  /// How it is run.
  public var options: ProcessorOptions

  /// Describes a processor.
  public init(
    _ name: String, into sink: any EntityBatchSink, target: EntityTarget? = nil,
    options: ProcessorOptions = ProcessorOptions()
  ) {
    self.name = name
    self.sink = sink
    self.target = target
    self.options = options
  }

  /// Processes entities batch by batch, in their order.
  ///
  /// `body` runs where the caller runs, so it may use an actor's state. A batch that fails transiently
  /// is tried again, with backoff; any other error ends the call and is thrown. Either way what was
  /// committed stays, and the next call goes on. When the task is cancelled it stops after the commit
  /// in flight.
  ///
  /// - Parameters:
  ///   - entities: What is to be processed. The order decides where to resume: sort them.
  ///   - id: What tells one from all others, as text.
  ///   - partition: What the entities belong to, a day for example. Each has a checkpoint of its own.
  ///   - size: How many entities a batch has.
  ///   - deadline: How long the call may take, from now; it stops between batches.
  ///   - restore: Puts the program's own state (a model, partial sums) to what was saved with the last
  ///     batch that is committed; nil when there is none, at the begin. Called before the first batch,
  ///     and before a batch is tried again, whose body may have gone half the way.
  ///   - body: Processes a batch.
  /// - Returns: How it ended. All done; or stopped by a deadline, a cancelled task, an open circuit, or
  ///   a load into the target that is unfinished and would overwrite newer rows. All done it is also
  ///   where rows are appended and the partition's last run has completed the same list
  ///   (``EntityBatchReport/wasCompletedBefore``).
  /// - Throws: ``EntityBatchError``, ``SinkError``, ``FileError``, what `body` or `restore` throws.
  @discardableResult
  nonisolated(nonsending) public func forEachBatch<Entity, ID: CustomStringConvertible>(
    of entities: some Sequence<Entity>, id: KeyPath<Entity, ID>,
    partition: any CustomStringConvertible = "", size: BatchSize = 50, deadline: Duration? = nil,
    restore: (BatchState?) throws -> Void = { _ in },
    _ body: nonisolated(nonsending) (EntityBatch<Entity>) async throws -> BatchResult
  ) async throws -> EntityBatchOutcome {
    let end = deadline.map { ContinuousClock.now + $0 }
    let entities = Array(entities)
    let list = try EntityList(entities.map { $0[keyPath: id].description })
    let beginning = try await EntityRunner.begin(
      processor: self, partition: partition.description, list: list, size: size, deadline: end)
    switch beginning {
    case .begun(var runner): return try await runner.run(entities, restore: restore, body)
    case .completed(let before):
      try restore(before.state)
      return .done(before.report)
    }
  }

  /// Processes several batches at once; they are committed as they get ready, and the checkpoint keeps
  /// track of the gaps.
  ///
  /// A batch that keeps failing transiently is passed over; the outcome is
  /// ``EntityBatchOutcome/partial(_:)`` then, and the next call repeats only such batches. Where two
  /// batches write the same key, the one that is committed last wins. No state can be saved, since that
  /// of one batch would include some of the others.
  ///
  /// - Parameters:
  ///   - atOnce: How many batches are in work at once.
  /// - Returns: As ``forEachBatch(of:id:partition:size:deadline:restore:_:)``.
  /// - Throws: As there.
  @discardableResult
  public func forEachBatch<Entity: Sendable, ID: CustomStringConvertible>(
    of entities: some Sequence<Entity>, id: KeyPath<Entity, ID>,
    partition: any CustomStringConvertible = "", size: BatchSize = 50, atOnce: Int,
    deadline: Duration? = nil,
    _ body: @escaping @Sendable (EntityBatch<Entity>) async throws -> BatchResult
  ) async throws -> EntityBatchOutcome {
    let end = deadline.map { ContinuousClock.now + $0 }
    guard atOnce >= 1 else {
      throw EntityBatchError.invalid("\(atOnce) batches cannot be in work at once; say 1 or more")
    }
    let entities = Array(entities)
    let list = try EntityList(entities.map { $0[keyPath: id].description })
    let beginning = try await EntityRunner.begin(
      processor: self, partition: partition.description, list: list, size: size, deadline: end)
    switch beginning {
    case .begun(var runner): return try await runner.run(entities, atOnce: atOnce, body)
    case .completed(let before): return .done(before.report)
    }
  }
}
