/// An error in words that may be stored, logged and sent: without values of rows.
public enum ErrorSummary {
  /// The summary of an error that a load, a pipeline or a processor threw.
  public static func of(_ error: any Error) -> String {
    switch error {
    case LoadError.tooManyRejects(_, let chunk, let found, let allowed, _):
      "chunk \(chunk): \(found) rejected rows where \(allowed) are allowed"
    case let contradiction as TypeContradiction:
      "a value in column '\(contradiction.column)' contradicts the inferred type"
    case LoadError.inferenceContradicted(_, let contradiction, _):
      of(contradiction)
    case LoadError.inputKept(let run, _, let cause):
      "\(of(cause)); the input is kept and need not be piped again, run \(run) goes on with it"
    case EntityBatchError.rowsRefused(let first, let last, let found, _):
      "the database refuses \(found) rows of the batch '\(first)' to '\(last)'"
    case EntityBatchError.wrongPartition(let column, let expected, _):
      "partition '\(expected)' of column '\(column)' is to be replaced, but a row belongs elsewhere"
    default:
      "\(error)"
    }
  }
}
