/// Why a load ended without an outcome. Each case says what to do next.
public enum LoadError: Error, Sendable, CustomStringConvertible {
  /// Another process owns the run.
  case ownedElsewhere(SyncID, LeaseHolder)
  /// This process was overtaken: another one owns the run now.
  case overtaken(SyncID, LeaseHolder)
  /// Rejects are over the job's limits; the run can go on once a limit is raised.
  case tooManyRejects(SyncID, chunk: Int, found: Int, allowed: Int, sample: [Reject])
  /// The job changed in what decides which rows land, after something was committed.
  case jobChanged(SyncID, differences: [String])
  /// `--fresh` would load rows twice.
  case freshRefused(SyncID, committedRows: Int)
  /// The source was loaded under other settings, and append would load it twice.
  case appendedBefore(SyncID, differences: [String])
  /// The source is not the one that the run began with.
  case sourceChanged(SyncID, detail: String)
  /// The source is needed to go on and is not there.
  case sourceNeeded(SyncID, reason: String)
  /// Standard input is converted and kept, but its run could not begin.
  case inputKept(SyncID, folder: String, any Error)
  /// The target is not the table it was.
  case targetDamaged(SyncID, table: String, detail: String)
  /// The stored run cannot be read by this program.
  case unreadableRun(SyncID, detail: String)
  /// The source has no rows and the job says that this is a failure.
  case emptySource(SyncID, name: String)
  /// A later value contradicts an inferred type.
  case inferenceContradicted(SyncID, TypeContradiction, job: Job)
  /// There is no such run.
  case unknownRun(SyncID, sink: String)
  /// The job asks for what this sink or version cannot do.
  case unsupported(String)

  /// The run that it is about, if it is about one.
  public var syncID: SyncID? {
    switch self {
    case .ownedElsewhere(let run, _), .overtaken(let run, _), .tooManyRejects(let run, _, _, _, _),
      .jobChanged(let run, _), .freshRefused(let run, _), .appendedBefore(let run, _),
      .sourceChanged(let run, _), .sourceNeeded(let run, _), .inputKept(let run, _, _),
      .targetDamaged(let run, _, _), .unreadableRun(let run, _), .emptySource(let run, _),
      .inferenceContradicted(let run, _, _), .unknownRun(let run, _):
      run
    case .unsupported: nil
    }
  }

  /// What is wrong, and what to do.
  public var description: String {
    switch self {
    case .ownedElsewhere(let run, let holder):
      "run \(run) is owned by \(holder)."
        + " Wait for it, or take the run over with --take-over if that process is stuck."
    case .overtaken(let run, let holder):
      "run \(run) was taken over by \(holder); this process stops and has committed nothing since."
    case .tooManyRejects(let run, let chunk, let found, let allowed, let sample):
      """
      run \(run), chunk \(chunk): \(found) rejected rows where \(allowed) are allowed. \
      Nothing of this chunk is loaded; earlier chunks are, and checkpoints are kept.
      \(Self.list(sample))
      Mend the source, or raise errors.max_rate or errors.max_rows and run the same command again.
      """
    case .jobChanged(let run, let differences):
      """
      run \(run) of this source has committed rows under other settings:
      \(differences.map { "  - \($0)" }.joined(separator: "\n"))
      Undo the change and run again, or start over with --fresh.
      """
    case .freshRefused(let run, let committedRows):
      "run \(run) has appended \(committedRows) rows already; --fresh would load them twice."
        + " Resume it with: cairn resume \(run); or delete its rows from the table first."
    case .appendedBefore(let run, let differences):
      """
      run \(run) appended this source already, under other settings:
      \(differences.map { "  - \($0)" }.joined(separator: "\n"))
      Appending it again would load its rows twice. Load it into another table, or give a key.
      """
    case .sourceChanged(let run, let detail):
      "the source of run \(run) changed: \(detail)."
        + " Put the original back and run again, or start over with --fresh."
    case .sourceNeeded(let run, let reason):
      "run \(run) needs its source to go on: \(reason)"
    case .inputKept(let run, let folder, let error):
      "\(error)\nThe input is kept in '\(folder)' and need not be piped again."
        + " Go on with: cairn resume \(run)"
    case .targetDamaged(let run, let table, let detail):
      "table '\(table)' is not what run \(run) left: \(detail)."
        + " Restore the table, or load from the beginning with --fresh."
    case .unreadableRun(let run, let detail):
      "run \(run) cannot be resumed by this version of cairn: \(detail)"
    case .emptySource(let run, let name):
      "run \(run): '\(name)' has no rows, and the job says errors.on_empty: fail"
    case .inferenceContradicted(let run, let contradiction, let job):
      """
      run \(run): \(contradiction.finding) Nothing is lost. \(Self.wayOn(contradiction, job))
      """
    case .unknownRun(let run, let sink):
      "there is no run \(run) in \(sink). List them with: cairn runs"
    case .unsupported(let detail):
      detail
    }
  }

  private static func wayOn(_ contradiction: TypeContradiction, _ job: Job) -> String {
    var job = job
    job.columns = contradiction.suggestion
    let deleting =
      job.sink.mode == .append
      ? ", after deleting the rows that this run appended to '\(job.sink.table)', if any" : ""
    return """
      Put this into a job file and load again with --job:
      \(JobFile.render(job))
      With 'type: \(contradiction.type)' for \(contradiction.column), such rows become rejects and the \
      run goes on. With the lines as they are, the source is loaded from its start, once rows of it \
      are committed: add --fresh\(deleting).
      """
  }

  private static func list(_ rejects: [Reject]) -> String {
    rejects.prefix(5).map { reject in
      let column = reject.column.map { " \($0)" } ?? ""
      return "  line \(reject.line)\(column): \(reject.reason)"
    }.joined(separator: "\n")
  }
}
