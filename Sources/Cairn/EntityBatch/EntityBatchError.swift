/// Why the processing of entities ended without an outcome. Each case says what to do next.
public enum EntityBatchError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Two entities have the same id.
  case duplicateEntity(String)
  /// Another process works on the partition.
  case ownedElsewhere(processor: String, partition: String, LeaseHolder)
  /// This process was overtaken: another one works on it now.
  case overtaken(processor: String, partition: String, LeaseHolder)
  /// The checkpoint cannot be used, and in append mode starting over would insert rows twice.
  case cannotStartOver(processor: String, partition: String, completed: Int, reason: String)
  /// Too many batches failed in a row, not long ago.
  case circuitOpen(
    processor: String, partition: String, failures: Int, left: Duration, error: String)
  /// The database refuses rows of a batch.
  case rowsRefused(first: String, last: String, found: Int, sample: [Reject])
  /// A row belongs to another partition than the one that is replaced.
  case wrongPartition(column: String, expected: String, found: String)
  /// The processor has no target for its rows, or its target cannot take them.
  case noTarget(String)
  /// What is asked for needs batches to go one after the other.
  case oneAtATime(String)
  /// A mark in the program's own transaction does not hold.
  case markRefused(String)
  /// The sink lost commits that it had acknowledged.
  case commitsLost(processor: String, partition: String, completed: Int)
  /// A size or limit that makes no sense.
  case invalid(String)

  /// The code with which a program of one's own should end.
  public var exitCode: Int32 {
    switch self {
    case .ownedElsewhere, .overtaken: 69
    case .circuitOpen, .commitsLost: 75
    case .rowsRefused, .wrongPartition: 65
    case .duplicateEntity, .noTarget, .oneAtATime, .invalid: 64
    case .cannotStartOver, .markRefused: 1
    }
  }

  /// What is wrong, and what to do.
  public var description: String {
    switch self {
    case .duplicateEntity(let id):
      "two entities have the id '\(id)', so that nobody could tell where to resume;"
        + " give each an id of its own"
    case .ownedElsewhere(let processor, let partition, let holder):
      "\(Self.name(processor, partition)) is being processed by \(holder)."
        + " Wait for it, or set takeOver if that process is stuck."
    case .overtaken(let processor, let partition, let holder):
      "\(Self.name(processor, partition)) was taken over by \(holder);"
        + " this process stops and has committed nothing since."
    case .cannotStartOver(let processor, let partition, let completed, let reason):
      """
      \(Self.name(processor, partition)): \(reason)
      \(completed) entities have appended their rows already; starting over would append them twice. \
      Put the entities back as they were, or delete those rows and the checkpoint: \
      cairn checkpoints stale --clean
      """
    case .circuitOpen(let processor, let partition, let failures, let left, let error):
      "\(Self.name(processor, partition)): \(failures) batches failed in a row, the last one with:"
        + " \(error)\nIt is tried again in \(DurationText.describe(left))."
    case .rowsRefused(let first, let last, let found, let sample):
      "the database refuses \(found) rows of the batch '\(first)' to '\(last)'; nothing of it is"
        + " committed:\n"
        + sample.prefix(5).map { reject in
          "  row \(reject.row)\(reject.column.map { " \($0)" } ?? ""): \(reject.reason)"
        }.joined(separator: "\n")
    case .wrongPartition(let column, let expected, let found):
      "partition '\(expected)' of column '\(column)' is to be replaced, but a row has \(found) there"
    case .noTarget(let reason):
      reason
    case .oneAtATime(let what):
      "\(what) needs batches to go one after the other; leave out atOnce"
    case .markRefused(let reason):
      "the mark of a batch does not hold: \(reason). Roll the transaction back and run again."
    case .commitsLost(let processor, let partition, let completed):
      "\(Self.name(processor, partition)): the database has lost commits that it had acknowledged;"
        + " \(completed) entities are done. Run again to go on from there."
    case .invalid(let reason):
      reason
    }
  }

  private static func name(_ processor: String, _ partition: String) -> String {
    partition.isEmpty ? processor : "\(processor), partition \(partition)"
  }
}
