/// What a call that would append rows twice has found: a run that completed its list.
struct CompletedBefore: Sendable {
  /// The attempt that completed it.
  let attempt: EntityAttempt
  /// The state of its last batch, if that is still kept.
  let state: BatchState?
  /// Why the kept state could not be read.
  let defect: String?
  /// The table that has its rows.
  let table: String
  /// Seconds that it took to find out.
  var seconds = 0.0

  /// What it means, and how to append the rows all the same.
  var note: String {
    "nothing was processed: run \(attempt.syncID) has completed the same \(attempt.totalEntities)"
      + " entities at \(attempt.endedAt), and appended their rows to '\(table)'. What is to be appended"
      + " again and again needs a partition for each time, its date for example; or set appendAgain"
      + " to append the rows of this partition once more"
  }

  /// The account of the call.
  var report: EntityBatchReport {
    var report = EntityBatchReport(
      syncID: attempt.syncID, processor: attempt.processor, partition: attempt.partition,
      attempt: attempt.attempt, total: attempt.totalEntities,
      completedBefore: attempt.totalEntities, completed: attempt.totalEntities, batchSize: 0)
    report.seconds = seconds
    report.state = state
    report.notes = [note] + [defect].compactMap { $0.map { "its state is lost: \($0)" } }
    report.wasCompletedBefore = true
    return report
  }
}
