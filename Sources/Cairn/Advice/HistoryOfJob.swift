extension History {
  /// The history of a job, from its runs and their ledgers.
  ///
  /// The sink keeps when each chunk was committed and under which fence, which rises with every
  /// attempt: so the attempts are told apart. How an attempt before the last one ended is not kept, so
  /// it counts as failed; nor is how long its marks took.
  public init(runs: [(run: RunRecord, ledger: [LedgerEntry])]) {
    self.init(runs.flatMap { Self.attempts(of: $0.run, $0.ledger) })
  }

  private static func attempts(of run: RunRecord, _ ledger: [LedgerEntry]) -> [PastAttempt] {
    let total = run.end.map { Int(clamping: $0.position.row) }
    var done = 0
    var lastEnd = SinkTime.seconds(of: run.new.startedAt) ?? 0
    var attempts: [PastAttempt] = []
    for number in 1...max(run.attempt, 1) {
      let isLast = number == max(run.attempt, 1)
      let own = ledger.filter { $0.fence == Int64(number) }
      let times = own.compactMap { SinkTime.seconds(of: $0.committedAt) }
      var start = number == 1 ? lastEnd : times.min() ?? lastEnd
      if isLast { start = SinkTime.seconds(of: run.attemptStartedAt) ?? start }
      var end = times.max() ?? start
      var ending = PastAttempt.Ending.failed
      if isLast {
        if let completedAt = run.completedAt {
          ending = .completed
          end = SinkTime.seconds(of: completedAt) ?? end
        } else if run.holder != nil {
          // Under way: nobody knows how it will end.
          return attempts
        } else if run.phase == "stopped" {
          ending = .stopped
        }
      }
      let rows = own.reduce(0) { $0 + $1.source.extent.rows }
      attempts.append(
        PastAttempt(
          run: run.syncID.description, ending: ending, unitsBefore: done, unitsAfter: done + rows,
          unitsTotal: total, seconds: max(end - start, 0), marks: own.count, startedAt: start))
      done += rows
      lastEnd = max(end, lastEnd)
    }
    return attempts
  }
}
