/// Why a pipeline cannot begin or go on, apart from what its own body throws.
public enum PipelineError: Error, Sendable, CustomStringConvertible {
  /// Another process works on the execution.
  case ownedElsewhere(PipelineExecution, LeaseHolder)
  /// This process was overtaken: another one owns the execution now.
  case overtaken(String, LeaseHolder?)
  /// Two stages of an attempt have the same name.
  case duplicateStage(String, pipelineID: String)
  /// A stage took longer than it may.
  case stageDeadline(String, Duration)
  /// The rows of a stage were not loaded to the end.
  case loadStopped(String, StopReason)
  /// A stage's rows are not what the table takes.
  case loadIncomplete(String, Receipt)
  /// A stage appends to a table, and has appended other rows to it in this execution, by this run.
  case addsTwice(String, table: String, RunRecord)
  /// What is asked of the registry it cannot do.
  case unsupported(String)

  /// What is wrong, and what to do.
  public var description: String {
    switch self {
    case .ownedElsewhere(let execution, let holder):
      "pipeline '\(execution.pipeline)' (\(execution.pipelineID)) is being worked on by \(holder)."
        + " Wait for it, or end that process if it is stuck."
    case .overtaken(let id, let holder):
      "pipeline \(id) was taken over" + (holder.map { " by \($0)" } ?? "")
        + "; this process stops and has recorded nothing since."
    case .duplicateStage(let stage, let id):
      "pipeline \(id) has two stages named '\(stage)': give each a name of its own, in a loop with"
        + " what it is about, like 'fetch AAPL'"
    case .stageDeadline(let stage, let limit):
      "stage '\(stage)' took longer than \(limit)"
    case .loadStopped(let stage, let reason):
      "stage '\(stage)' stopped while its rows were being loaded: \(reason)."
        + " Run the pipeline again to go on."
    case .loadIncomplete(let stage, let receipt):
      "stage '\(stage)' loaded only a part of its rows (run \(receipt.syncID), \(receipt.status))"
    case .addsTwice(let stage, let table, let run):
      "stage '\(stage)' has appended \(run.counts.rows) rows to '\(table)' in this execution already"
        + " (run \(run.syncID)), and what it gives now is something else: both would be in the table."
        + " Give the stage a key, so that rows replace rows; or delete those rows and "
        + (run.completedAt == nil
          ? "give their run up: cairn cleanup \(run.syncID)"
          : "begin a new execution: auto_resume: false")
    case .unsupported(let detail):
      detail
    }
  }
}

/// An error that knows what follows from it. Errors of a program's own may conform, so that a stage
/// knows which of them to try again.
public protocol ClassifiedError: Error {
  /// What follows from it.
  var errorClass: ErrorClass { get }
}

extension PipelineError: ClassifiedError {
  /// Transient for a stage that took too long and for a sink that is away; fatal otherwise.
  public var errorClass: ErrorClass {
    switch self {
    case .stageDeadline, .loadStopped: .transient
    case .loadIncomplete: .data
    default: .fatal
    }
  }
}
