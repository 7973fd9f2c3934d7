/// Which run a load of a source belongs to. Pure: from the runs that there are to what to do.
enum ClaimDecision: Sendable, Hashable {
  /// Begin a new run, after marking these abandoned.
  case begin(abandoning: [SyncID])
  /// Go on with this unfinished run.
  case resume(SyncID)
  /// This run has loaded the source already.
  case alreadyLoaded(SyncID)
  /// `--fresh` would load rows of this append run twice.
  case refuseFresh(SyncID)
  /// Rows are committed under another job digest.
  case refuseChangedJob(SyncID)
  /// The source was appended to the same table under another job digest.
  case refuseAppendTwice(SyncID)

  /// - Parameters:
  ///   - candidates: Runs into the same table of a source with the same content, newest first,
  ///     none abandoned.
  ///   - ofThisJob: Those of them that a job began which decides alike which rows land.
  ///   - withoutRows: Those of them whose rows are no longer in the table.
  ///   - mode: The job's mode.
  ///   - fresh: Whether the user wants to start over.
  static func decide(
    candidates: [RunRecord], ofThisJob: Set<SyncID>, withoutRows: Set<SyncID> = [],
    mode: LoadMode, fresh: Bool
  ) -> ClaimDecision {
    if mode == .append, fresh || ofThisJob.isEmpty,
      let appended = candidates.first(where: {
        $0.counts.inserted > 0 && !withoutRows.contains($0.syncID)
      })
    {
      if fresh { return .refuseFresh(appended.syncID) }
      return appended.completedAt == nil
        ? .refuseChangedJob(appended.syncID) : .refuseAppendTwice(appended.syncID)
    }
    if fresh {
      return .begin(
        abandoning: candidates.filter {
          ofThisJob.contains($0.syncID) || $0.completedAt == nil
        }.map(\.syncID))
    }
    if let same = candidates.first(where: { ofThisJob.contains($0.syncID) }) {
      return same.completedAt == nil ? .resume(same.syncID) : .alreadyLoaded(same.syncID)
    }
    let unfinished = candidates.filter { $0.completedAt == nil }
    if let committed = unfinished.first(where: { $0.committedChunks > 0 }) {
      return .refuseChangedJob(committed.syncID)
    }
    return .begin(abandoning: unfinished.map(\.syncID))
  }
}
