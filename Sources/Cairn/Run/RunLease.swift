/// Takes the lease of an unfinished run, waiting for its owner if the options say so.
struct RunLease {
  let sink: any Sink
  let options: LoadOptions
  /// The job's name.
  let job: String

  /// - Parameter identity: Who the source is now, if its content was compared with the run's.
  /// - Throws: ``LoadError/ownedElsewhere(_:_:)`` when another process keeps it.
  func acquire(_ run: SyncID, identity: SourceIdentity?) async throws -> ClaimedRun {
    let start = ContinuousClock.now
    var journal: RunJournal?
    while true {
      switch try await sink.acquireLease(
        of: run, owner: .current(), duration: options.leaseDuration, takeOver: options.takeOver)
      {
      case .acquired(let lease, let record):
        let settings = try record.settings()
        journal?.waitedForOwner(ContinuousClock.now - start)
        return ClaimedRun(
          record: record, lease: lease, settings: settings, isNew: false, identity: identity)
      case .held(let holder):
        guard ContinuousClock.now - start < options.waitForOwner, options.stop.raised == nil
        else { throw LoadError.ownedElsewhere(run, holder) }
        if journal == nil {
          // Told once, not every second.
          let waiting = RunJournal(options, job: job, run: run)
          waiting.waitsForOwner(holder)
          journal = waiting
        }
        try await options.environment.sleep(.seconds(1))
      }
    }
  }
}
