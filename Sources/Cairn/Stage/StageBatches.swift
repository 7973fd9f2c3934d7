internal import Parquet

/// The batches of a stage that was written as a stream, in their order. They stay in the file; each
/// is read when it is asked for, so that a stage may be larger than memory.
///
/// May be gone through several times.
public struct StageBatches: AsyncSequence, Sendable {
  /// A batch.
  public typealias Element = RecordBatch
  /// Any error of reading.
  public typealias Failure = any Error

  /// How many rows all batches have.
  public let rowCount: Int
  /// How many batches there are.
  public let batchCount: Int
  /// SHA-256 of the content, whatever batches it is cut into.
  public let digest: String
  private let reader: BatchFileReader?

  /// The columns; none when no batch had any.
  var columns: [ChunkColumn] { reader?.columns ?? [] }

  /// Opens a checkpoint's file, after its content was held against its digest.
  init(
    _ checkpoint: StageCheckpoint, in folder: StageFolder, _ cost: inout CheckpointCost
  ) throws {
    try folder.checkBatches(of: checkpoint, &cost)
    try self.init(written: checkpoint, in: folder)
  }

  /// Opens a file that was written just now.
  init(written checkpoint: StageCheckpoint, in folder: StageFolder) throws {
    rowCount = checkpoint.rows
    digest = checkpoint.dataHash
    reader = try checkpoint.dataFile.map { try BatchFileReader(path: folder.existing($0)) }
    batchCount = reader?.rowGroupCount ?? 0
  }

  /// Opens a file that gets no name; it is gone when nobody reads it any more.
  init(unsaved written: WrittenBatches) throws {
    rowCount = written.rows
    digest = written.digest
    reader = try written.aside.map { try BatchFileReader(path: $0) }
    batchCount = reader?.rowGroupCount ?? 0
    if let aside = written.aside { try DurableFile.delete(aside) }
  }

  /// A batch by its number, from 0.
  ///
  /// - Precondition: There is one.
  public func batch(_ number: Int) async throws -> RecordBatch {
    precondition((0..<batchCount).contains(number), "a stage has no batch \(number)")
    guard let reader else { return try RecordBatch(columns: []) }
    return try await onWorker { try reader.batch(rowGroup: number) }
  }

  /// All rows as one batch.
  func whole() throws -> RecordBatch {
    try reader?.whole() ?? RecordBatch(columns: [])
  }

  /// Reads from the first batch on.
  public func makeAsyncIterator() -> Iterator { Iterator(batches: self) }

  /// Reads batch after batch.
  public struct Iterator: AsyncIteratorProtocol {
    /// A batch.
    public typealias Element = RecordBatch
    /// Any error of reading.
    public typealias Failure = any Error

    let batches: StageBatches
    private var next = 0

    init(batches: StageBatches) { self.batches = batches }

    /// The next batch, or nil after the last one.
    public mutating func next() async throws -> RecordBatch? {
      guard next < batches.batchCount else { return nil }
      defer { next += 1 }
      return try await batches.batch(next)
    }
  }
}

/// Takes the batches of a stage, one after the other, into its checkpoint.
public actor StageWriter {
  private nonisolated let executor = BlockingExecutor(label: "cairn.stage")
  /// Files are written on a thread of the writer's own.
  public nonisolated var unownedExecutor: UnownedSerialExecutor {
    executor.asUnownedSerialExecutor()
  }

  /// How many rows were written so far.
  public private(set) var rowCount = 0
  private let folder: StageFolder
  private let compression: CheckpointCompression
  private let faults: FaultPoints
  private var file: StageFolder.Aside?
  private var output: BatchFileWriter?

  init(folder: StageFolder, compression: CheckpointCompression, faults: FaultPoints) {
    self.folder = folder
    self.compression = compression
    self.faults = faults
  }

  /// Writes a batch. Some thousand rows a batch are well: each becomes a row group of the file, and
  /// one is in memory at a time when they are read.
  ///
  /// - Throws: ``CheckpointError/otherColumns(expected:found:)``, ``FileError``.
  public func write(_ batch: RecordBatch) throws {
    if output == nil {
      try folder.prepare()
      let file = try folder.createAside()
      self.file = file
      output = BatchFileWriter(
        descriptor: file.descriptor, path: file.path, compression: compression)
    }
    try output?.write(batch)
    rowCount += batch.rowCount
    faults.reach(.stageBatchWritten)
  }

  /// Ends the file; it is synced and has no name yet.
  func finish() throws -> WrittenBatches {
    guard let file, let output else {
      return WrittenBatches(
        aside: nil, digest: ColumnDigest().hexadecimal, rows: 0, columns: 0, cost: CheckpointCost())
    }
    do {
      let isFile = try output.finish()
      var cost = output.cost
      if isFile { try folder.sync(file, &cost) }
      let written = WrittenBatches(
        aside: isFile ? file.path : nil, digest: output.digest.hexadecimal, rows: rowCount,
        columns: output.columns.count, cost: cost)
      close(deletes: !isFile)
      return written
    } catch {
      close(deletes: true)
      throw error
    }
  }

  /// Gives up what was written.
  func discard() { close(deletes: true) }

  private func close(deletes: Bool) {
    guard let file else { return }
    self.file = nil
    output = nil
    StageFolder.close(file)
    if deletes { try? DurableFile.delete(file.path) }
  }
}
