/// Renews a lease while work goes on under it.
struct LeaseKeeper {
  let sink: any Sink
  let lease: Lease
  let options: LoadOptions
  let journal: RunJournal

  /// Does `work`, renewing the lease at a third of its duration.
  ///
  /// A lease that is found taken over, or given back by `work` itself before it tidies up, is renewed
  /// no more. Whoever lost it hears so from the next commit.
  ///
  /// - Throws: What `work` throws.
  func keeping<Result: Sendable>(
    _ work: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    try await withThrowingTaskGroup(of: Result?.self) { group in
      group.addTask(executorPreference: WorkerExecutor.shared) { try await work() }
      group.addTask {
        await LeaseRenewal(sink: sink, lease: lease, duration: options.leaseDuration) {
          journal.leaseNotRenewed($0)
        }.untilCancelled()
        return nil
      }
      defer { group.cancelAll() }
      while let finished = try await group.next() {
        if let finished { return finished }
      }
      throw CancellationError()
    }
  }
}
