/// Some entities that are to be processed together.
public struct EntityBatch<Entity> {
  /// The entities, in the order of the list.
  public var entities: [Entity]
  /// Their ids.
  public var ids: [String]
  /// Their positions in the list.
  public var positions: Range<Int>
  /// How many entities the list has.
  public var total: Int
  /// The partition they belong to.
  public var partition: String
  /// The state that was saved with the batch before this one, also by an earlier attempt; nil when
  /// there is none. Always nil where several batches go on at once.
  public var state: BatchState?
  /// Makes the mark of this batch for a transaction of the program's own.
  var marking: EntityMarking?

  /// The statement that marks this batch as done, for a program that writes its results with a
  /// database client of its own: it executes the statement in its transaction, best as the last one,
  /// and commits only if it yields one row. Then it returns ``BatchResult/marked``.
  ///
  /// State that is too large for a row is written to its file by this call.
  ///
  /// - Throws: ``EntityBatchError/oneAtATime(_:)`` where several batches go on at once;
  ///   ``FileError``.
  public func markStatement(state: BatchState? = nil) throws -> MarkStatement {
    guard let marking else {
      throw EntityBatchError.oneAtATime("a mark in a transaction of your own")
    }
    return try marking.statement(state: state)
  }

  /// Marks this batch as done in a transaction of the program's own, which is then to be committed.
  ///
  /// - Returns: What the body is to return.
  /// - Throws: As ``markStatement(state:)``, and ``EntityBatchError/markRefused(_:)`` when the mark
  ///   does not hold: then the transaction must be rolled back.
  nonisolated(nonsending) public func mark(
    in transaction: some MarkTransaction, state: BatchState? = nil
  ) async throws -> BatchResult {
    guard try await transaction.execute(markStatement(state: state)) == 1 else {
      throw EntityBatchError.markRefused(
        "the run was taken over by another process, or the database lost commits")
    }
    return .marked
  }
}

extension EntityBatch: Sendable where Entity: Sendable {}

/// Makes the mark of one batch.
struct EntityMarking: Sendable {
  let sink: any EntityBatchSink
  let lease: Lease
  let files: BatchStateFiles
  /// The mark without its state.
  let mark: EntityMark

  func statement(state: BatchState?) throws -> MarkStatement {
    var mark = mark
    mark.state = try state.map { try files.store($0, under: lease) }
    return sink.markStatement(for: mark, under: lease)
  }
}

/// What came of a batch.
public struct BatchResult: Sendable {
  /// Rows for the processor's target.
  public var rows: RecordBatch?
  /// Whether the program has marked the batch itself, in a transaction that it has committed.
  public private(set) var isMarked = false
  private var makeState: (@Sendable () throws -> BatchState)?

  /// A result with rows, or none, and the state to save with the mark, or none.
  public init(rows: RecordBatch? = nil, state: BatchState? = nil) {
    self.rows = rows
    if let state { makeState = { state } }
  }

  /// A result with a state that is kept as bytes.
  public init(rows: RecordBatch? = nil, state: [UInt8]) {
    self.init(rows: rows, state: BatchState(bytes: state))
  }

  /// A result with a state that is kept as JSON (``BatchState/init(encoding:)``).
  public init(rows: RecordBatch? = nil, state: some Encodable & Sendable) {
    self.rows = rows
    makeState = { try BatchState(encoding: state) }
  }

  /// The batch is marked and committed already, in a transaction of the program's own.
  public static var marked: BatchResult {
    var result = BatchResult()
    result.isMarked = true
    return result
  }

  func state() throws -> BatchState? { try makeState?() }
}
