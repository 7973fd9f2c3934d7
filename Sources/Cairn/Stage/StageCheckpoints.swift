public import Logging

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Saved stages: a folder of files, and the registry that says which of them count.
///
/// ```swift
/// let checkpoints = StageCheckpoints(directory: "data/checkpoints")
/// let id = try await checkpoints.save(
///   prices, pipeline: "pipeline_20251007_120000", stage: "data_extraction",
///   metadata: ["tickers": ["AAPL"]])
/// let prices = try await checkpoints.load(id).rows()
/// ```
///
/// Rows are saved as Parquet, other values as JSON, beside a `…_state.json` that describes them. A
/// checkpoint is written aside, synced and renamed; its entry in the registry comes last, so it is
/// there whole or not at all. Its content's digest is checked whenever it is read.
///
/// A pipeline saves its stages by itself: see ``Pipelines``.
public struct StageCheckpoints: Sendable {
  /// The folder, absolute.
  public var directory: String { folder.path }
  /// Which checkpoints there are.
  public let registry: any StageRegistry
  /// How rows are compressed.
  public var compression: CheckpointCompression
  /// Where it is said that a checkpoint is damaged.
  public var logger: Logger
  /// Time and randomness.
  public let environment: RunEnvironment

  let folder: StageFolder
  let faults: FaultPoints

  /// How long checkpoints are kept by default: 7 days.
  public static let defaultRetention = Duration.seconds(7 * 86_400)

  /// Makes a place for checkpoints. Nothing is written before it is used.
  ///
  /// - Parameters:
  ///   - directory: The folder; a link to one is followed.
  ///   - registry: Which checkpoints there are; nil for files in the folder itself. With one in a
  ///     database, every process that uses it must see the same folder.
  ///   - compression: How rows are compressed.
  ///   - durability: Whether checkpoints survive a power failure.
  ///   - logger: Where messages go.
  ///   - environment: Time and randomness.
  ///   - faults: Fault points, for crash tests.
  public init(
    directory: String = "data/checkpoints", registry: (any StageRegistry)? = nil,
    compression: CheckpointCompression = .snappy, durability: CheckpointDurability = .synced,
    logger: Logger = Logger(label: "cairn", factory: { _ in SwiftLogNoOpLogHandler() }),
    environment: RunEnvironment = .live, faults: FaultPoints = .none
  ) {
    folder = StageFolder(
      path: FilePaths.absolute(directory), durability: durability, faults: faults)
    self.registry = registry ?? FolderRegistry(folder: folder, environment: environment)
    self.compression = compression
    self.logger = logger
    self.environment = environment
    self.faults = faults
  }

  // MARK: Save

  /// Saves rows.
  ///
  /// - Parameters:
  ///   - batch: The rows.
  ///   - pipeline: The execution's id, like `pipeline_20251007_120000`.
  ///   - stage: The stage's name.
  ///   - metadata: What else to note.
  /// - Returns: The checkpoint's id, like `pipeline_20251007_120000_data_extraction_20251007_120001`.
  /// - Throws: ``CheckpointError``, ``FileError``, or what the registry throws.
  @discardableResult
  public func save(
    _ batch: RecordBatch, pipeline: String, stage: String,
    metadata: [String: CheckpointValue] = [:]
  ) async throws -> String {
    try await save(
      .rows(batch), as: CheckpointLabel(pipelineID: pipeline, stage: stage, metadata: metadata),
      under: nil
    ).id
  }

  /// Saves a value as JSON.
  ///
  /// - Parameters:
  ///   - value: The value.
  ///   - pipeline: The execution's id.
  ///   - stage: The stage's name.
  ///   - metadata: What else to note.
  /// - Returns: The checkpoint's id.
  /// - Throws: As ``save(_:pipeline:stage:metadata:)-(RecordBatch,_,_,_)``, and `EncodingError`.
  @discardableResult
  public func save(
    _ value: some Encodable & Sendable, pipeline: String, stage: String,
    metadata: [String: CheckpointValue] = [:]
  ) async throws -> String {
    try await save(
      .json(try JSONContent.encode(value)),
      as: CheckpointLabel(pipelineID: pipeline, stage: stage, metadata: metadata), under: nil
    ).id
  }

  // MARK: Find

  /// The id of the newest checkpoint of an execution, or of one of its stages; nil when there is none.
  ///
  /// The newest is the one that was saved last, whatever the clock said.
  public func latest(of pipeline: String, stage: String? = nil) async throws -> String? {
    try await registry.checkpoints(
      CheckpointFilter(pipelineID: pipeline, stage: stage, limit: 1)
    ).first?.id
  }

  /// The checkpoints, newest first: all, or those of an execution.
  public func list(_ pipeline: String? = nil) async throws -> [StageCheckpoint] {
    try await registry.checkpoints(CheckpointFilter(pipelineID: pipeline))
  }

  /// How far an execution is.
  public func progress(of pipeline: String) async throws -> PipelineProgress {
    PipelineProgress(of: pipeline, checkpoints: try await list(pipeline))
  }

  /// What is recorded under an id.
  ///
  /// - Throws: ``CheckpointError/unknown(_:registry:)``.
  public func describe(_ id: String) async throws -> StageCheckpoint {
    guard let found = try await registry.checkpoints(CheckpointFilter(id: id, limit: 1)).first
    else { throw CheckpointError.unknown(id, registry: registry.location) }
    return found
  }

  /// Whether the folder is there.
  public var folderExists: Bool { DurableFile.isFolder(folder.path) }

  /// The size of a checkpoint's data file in bytes; nil when it has none, or it is gone.
  public func size(of checkpoint: StageCheckpoint) -> Int64? {
    checkpoint.dataFile.flatMap { name in
      CheckpointName.isFileName(name) ? DurableFile.size(folder.path(of: name)) : nil
    }
  }

  // MARK: Load

  /// Reads a checkpoint back, after its content was held against its digest.
  ///
  /// - Throws: ``CheckpointError/unknown(_:registry:)``, ``CheckpointError/damaged(_:detail:)``.
  public func load(_ id: String) async throws -> LoadedCheckpoint {
    try await load(try await describe(id))
  }

  /// Reads the newest checkpoint of an execution, or of one of its stages, that is sound. One that is
  /// damaged is said so in the log and kept aside as `….damaged`, and the one before it is tried.
  ///
  /// - Returns: Nil when there is none.
  public func loadLastValid(
    of pipeline: String, stage: String? = nil
  ) async throws -> LoadedCheckpoint? {
    for checkpoint in try await registry.checkpoints(
      CheckpointFilter(pipelineID: pipeline, stage: stage))
    {
      if let loaded = try await loadUnlessDamaged(checkpoint) { return loaded }
    }
    return nil
  }

  /// Reads a checkpoint; nil when it is damaged, after its files were kept aside and its entry removed.
  ///
  /// - Parameter hearing: Told of the damage.
  func loadUnlessDamaged(
    _ checkpoint: StageCheckpoint, hearing: (CheckpointError) -> Void = { _ in }
  ) async throws -> LoadedCheckpoint? {
    do {
      return try await load(checkpoint)
    } catch let error as CheckpointError where error.isDamage {
      let folder = folder
      let kept = try await onWorker { folder.keepAside(checkpoint) }
      try await registry.remove([checkpoint])
      hearing(error)
      logger.warning(
        "a damaged checkpoint is kept aside; the one before it counts",
        metadata: [
          "checkpoint": "\(checkpoint.id)", "reason": "\(error)",
          "kept": "\(kept.joined(separator: ", "))",
        ])
      return nil
    }
  }

  /// Reads what an entry describes.
  func load(_ checkpoint: StageCheckpoint) async throws -> LoadedCheckpoint {
    guard (1...StageCheckpoint.currentFormat).contains(checkpoint.format) else {
      throw CheckpointError.unknownFormat(checkpoint.id, found: checkpoint.format)
    }
    let folder = folder
    return try await onWorker {
      var cost = CheckpointCost()
      let content: CheckpointContent =
        switch checkpoint.kind {
        case .rows: .rows(try folder.rows(of: checkpoint, &cost))
        case .batches: .batches(try StageBatches(checkpoint, in: folder, &cost))
        case .json: .json(try folder.json(of: checkpoint, &cost))
        case .none: .none
        case .foreign: throw CheckpointError.unknownFormat(checkpoint.id, found: 0)
        }
      return LoadedCheckpoint(state: checkpoint, cost: cost, content: content)
    }
  }

  // MARK: Delete

  /// Deletes a checkpoint.
  ///
  /// - Returns: Whether there was one of that id.
  @discardableResult
  public func delete(_ id: String) async throws -> Bool {
    let found = try await registry.checkpoints(CheckpointFilter(id: id))
    try await delete(found)
    return !found.isEmpty
  }

  /// Deletes checkpoints that are older than a retention, but for those of executions that somebody is
  /// working on; and what killed processes left behind for as long.
  ///
  /// - Parameters:
  ///   - retention: How old a checkpoint may get.
  ///   - events: The log of events, or nil for none.
  /// - Returns: How many were deleted.
  @discardableResult
  public func cleanUp(
    olderThan retention: Duration = defaultRetention, events: EventLog? = nil
  ) async throws -> Int {
    let deleted = try await deleteExpired(olderThan: retention)
    events?.cleanedUp(deleted)
    return deleted.count
  }

  func deleteExpired(olderThan retention: Duration) async throws -> [StageCheckpoint] {
    let expired = try await expired(olderThan: retention)
    try await delete(expired)
    let limit = environment.now() - retention.nanoseconds
    try await registry.removeExecutions(before: CheckpointName.timestamp(ofNanoseconds: limit))
    let known = try await registry.checkpoints(CheckpointFilter())
    let names = Set(known.flatMap { [$0.stateFile] + [$0.dataFile].compactMap(\.self) })
    let folder = folder
    try await onWorker { try folder.sweep(known: names, olderThan: limit) }
    return expired
  }

  /// The checkpoints that ``cleanUp(olderThan:)`` would delete.
  public func expired(olderThan retention: Duration) async throws -> [StageCheckpoint] {
    let limit = environment.now() - retention.nanoseconds
    let old = try await registry.checkpoints(
      CheckpointFilter(savedBefore: CheckpointName.timestamp(ofNanoseconds: limit)))
    guard !old.isEmpty else { return [] }
    let busy = Set(
      try await registry.executions(of: nil).filter { $0.status == .running && $0.holder != nil }
        .map(\.pipelineID))
    return old.filter { !busy.contains($0.pipelineID) }
  }

  /// The entries go first: files without an entry are nothing, an entry without files is damage.
  func delete(_ checkpoints: [StageCheckpoint]) async throws {
    guard !checkpoints.isEmpty else { return }
    try await registry.remove(checkpoints)
    let folder = folder
    try await onWorker { for checkpoint in checkpoints { try folder.delete(checkpoint) } }
  }
}

/// A checkpoint that was read back.
public struct LoadedCheckpoint: Sendable {
  /// What is recorded of it.
  public let state: StageCheckpoint
  /// What reading it took.
  public let cost: CheckpointCost
  let content: CheckpointContent

  /// Its rows, of a stream all of them.
  ///
  /// - Throws: ``CheckpointError/otherKind(_:holds:asked:)`` when it holds none.
  public func rows() throws -> RecordBatch {
    switch content {
    case .rows(let batch): return batch
    case .batches(let batches): return try batches.whole()
    default: throw CheckpointError.otherKind(state.id, holds: state.kind, asked: "rows")
    }
  }

  /// Its rows, batch by batch.
  ///
  /// - Throws: ``CheckpointError/otherKind(_:holds:asked:)`` when it holds no stream of batches.
  public func batches() throws -> StageBatches {
    guard case .batches(let batches) = content else {
      throw CheckpointError.otherKind(state.id, holds: state.kind, asked: "batches")
    }
    return batches
  }

  /// Its value.
  ///
  /// - Throws: ``CheckpointError/otherKind(_:holds:asked:)`` when it holds no JSON, `DecodingError`
  ///   when the JSON is no such value.
  public func value<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
    try JSONContent.decode(type, from: try json())
  }

  /// Its JSON text.
  ///
  /// - Throws: ``CheckpointError/otherKind(_:holds:asked:)`` when it holds none.
  public func json() throws -> [UInt8] {
    guard case .json(let bytes) = content else {
      throw CheckpointError.otherKind(state.id, holds: state.kind, asked: "JSON")
    }
    return bytes
  }
}

/// What a checkpoint holds, in memory or, for a stream, still in its file.
enum CheckpointContent: Sendable {
  case rows(RecordBatch)
  case batches(StageBatches)
  case json([UInt8])
  case none
}

extension Duration {
  /// In nanoseconds, within the range of a clock.
  var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let whole = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    return whole.overflow ? .max / 2 : whole.partialValue + attoseconds / 1_000_000_000
  }
}
