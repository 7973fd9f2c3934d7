/// Why a sink could not do what was asked, by what follows from it.
public enum SinkError: Error, Sendable, CustomStringConvertible {
  /// It may work if tried again: a busy or deadlocked database.
  case transient(String)
  /// The server cannot be reached now. Tried again like a transient error; then the run stops and can
  /// be resumed, instead of failing every chunk.
  case unreachable(String)
  /// The database cannot be written to, and trying again would not help: the run stops and can be
  /// resumed.
  case unavailable(String)
  /// Another process owns the run now, or still.
  case fenced(LeaseHolder)
  /// A chunk has more rejects than it may; `sample` are the first of them.
  case tooManyRejects(found: Int, sample: [Reject])
  /// The target does not fit the job; `remedy` says what to do.
  case targetMismatch(table: String, problems: [String], remedy: String)
  /// A load into the table may still write rows, so nothing else may come between them: a batch of
  /// entities, or a partition that is replaced. Once the run is finished or abandoned it may.
  indirect case loadUnfinished(RunRecord)
  /// The ledger does not account for the whole source.
  case incomplete(String)
  /// It will not work however often it is tried; `remedy` says what to do.
  case fatal(String, remedy: String)

  /// What is wrong, in a sentence or two.
  public var description: String {
    switch self {
    case .transient(let message), .unreachable(let message), .unavailable(let message),
      .incomplete(let message):
      message
    case .fenced(let holder):
      "the run is owned by \(holder)"
    case .tooManyRejects(let found, _):
      "\(found) rejects are over the limit"
    case .targetMismatch(let table, let problems, let remedy):
      "table '\(table)' does not fit the job:\n"
        + problems.map { "  - \($0)" }.joined(separator: "\n") + "\n\(remedy)"
    case .loadUnfinished(let run):
      Self.describe(unfinished: run)
    case .fatal(let message, let remedy):
      remedy.isEmpty ? message : "\(message)\n\(remedy)"
    }
  }

  private static func describe(unfinished run: RunRecord) -> String {
    let load =
      "run \(run.syncID) of job '\(run.new.job)' into table '\(run.new.table)' is unfinished: rows that"
      + " it has yet to write would overwrite these, so nothing was written.\n"
    if let holder = run.holder, holder.owner.isAliveOnThisHost {
      return load + "It is in work by \(holder): wait for it."
    }
    return load
      + "Finish it: cairn resume \(run.syncID), or the program that began it. Give it up:"
      + " cairn cleanup \(run.syncID)"
  }
}
