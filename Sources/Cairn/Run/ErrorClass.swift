/// What follows from an error that ended a load.
public enum ErrorClass: String, Sendable, Hashable, Codable {
  /// It may work if tried again: the sink is away, the disk is full.
  case transient
  /// The source's rows are not what the job allows.
  case data
  /// It will not work however often it is tried, until somebody mends something.
  case fatal

  /// The class of an error that `load`, `resume` or a stage threw.
  public static func of(_ error: any Error) -> ErrorClass {
    switch error {
    case let error as any ClassifiedError: error.errorClass
    case LoadError.inputKept(_, _, let cause): of(cause)
    case SinkError.transient, SinkError.unreachable, SinkError.unavailable: .transient
    case SinkError.loadUnfinished: .transient
    case EntityBatchError.circuitOpen, EntityBatchError.commitsLost: .transient
    case EntityBatchError.rowsRefused, EntityBatchError.wrongPartition: .data
    case let error as FileError where error.isDiskFull: .transient
    case LoadError.tooManyRejects, LoadError.inferenceContradicted, LoadError.emptySource: .data
    case is TypeContradiction, TransformError.missingColumns: .data
    default: .fatal
    }
  }
}
