extension History {
  /// The history of a processor, from the rows of `processing_history`.
  public init(entityAttempts attempts: [EntityAttempt]) {
    self.init(
      attempts.compactMap { attempt in
        let ending: PastAttempt.Ending
        switch attempt.ending {
        case .completed: ending = .completed
        case .failed, .crashed: ending = .failed
        case .stopped: ending = .stopped
        // These say what became of a checkpoint; the attempt itself has a row of its own.
        case .expired, .discarded, .cleaned: return nil
        }
        return PastAttempt(
          run: attempt.syncID.description, ending: ending, unitsBefore: attempt.entitiesSaved,
          unitsAfter: attempt.entitiesCompleted, unitsTotal: attempt.totalEntities,
          seconds: attempt.seconds, marks: attempt.batches, markSeconds: attempt.markSeconds,
          startedAt: SinkTime.seconds(of: attempt.startedAt) ?? 0)
      })
  }

  /// Adds attempts that were killed and that no later one has noticed: checkpoints that nobody works
  /// on.
  public mutating func add(_ checkpoints: [EntityCheckpoint]) {
    for checkpoint in checkpoints where checkpoint.isOpen && checkpoint.holder == nil {
      let start = SinkTime.seconds(of: checkpoint.attemptStartedAt) ?? 0
      let end = SinkTime.seconds(of: checkpoint.checkpointAt) ?? start
      attempts.append(
        PastAttempt(
          run: checkpoint.syncID.description, ending: .failed,
          unitsBefore: checkpoint.completedBefore, unitsAfter: checkpoint.completed.count,
          unitsTotal: checkpoint.total, seconds: max(end - start, 0), startedAt: start))
    }
  }
}
