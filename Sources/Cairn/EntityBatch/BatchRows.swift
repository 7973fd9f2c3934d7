/// The rows of a run's batches on their way into the target, and the columns that they have had.
struct BatchRows: Sendable {
  private let processor: Processor
  private let partition: String
  /// The target that was prepared last.
  private var prepared: TargetTable?
  /// The target with every column that rows of this run have had, also in earlier attempts; nil before
  /// the first.
  private var whole: TargetTable?

  private var sink: any EntityBatchSink { processor.sink }

  /// - Parameter stored: The whole target as the last mark of earlier attempts has it.
  init(processor: Processor, partition: String, stored: String?) throws {
    self.processor = processor
    self.partition = partition
    whole = try stored.map(TargetText.decode)
  }

  /// The rows of a batch as the sink takes them; nil when it has none. Its mark is told the columns so
  /// far.
  ///
  /// - Throws: ``EntityBatchError`` when the processor has no target or the rows do not belong there.
  mutating func take(_ result: BatchResult, _ mark: inout EntityMark) throws -> EntityWork.Rows? {
    guard let batch = result.rows, !batch.columns.isEmpty, batch.rowCount > 0 else { return nil }
    guard let target = processor.target else {
      throw EntityBatchError.noTarget(
        "processor '\(processor.name)' returned rows, but has no target: give it one, or mark its"
          + " batches in a transaction of its own")
    }
    try target.check(batch, partition: partition)
    let table = target.table(for: batch)
    let whole = whole?.adding(table.columns) ?? table
    mark.target = try TargetText.encode(whole)
    self.whole = whole
    return EntityWork.Rows(target: table, batch: batch)
  }

  /// Creates the table or checks that it fits, unless that is done.
  mutating func prepare(_ target: TargetTable, retry: TransientRetry) async throws {
    guard target != prepared else { return }
    let sink = sink
    try await retry.run { _ = try await sink.prepareTarget(target) }
    prepared = target
  }

  /// What the end of the run replaces; nil where it replaces nothing. A partition is replaced with
  /// every column that one of its batches has had.
  var replacement: PartitionReplacement? {
    guard let target = processor.target, let column = target.partitionColumn else { return nil }
    return PartitionReplacement(
      table: target.table, column: column, value: partition,
      columns: whole?.columns.map(\.name) ?? [])
  }
}
