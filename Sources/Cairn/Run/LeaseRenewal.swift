/// Renews a lease at a third of its duration.
struct LeaseRenewal: Sendable {
  let sink: any Sink
  let lease: Lease
  let duration: Duration
  /// Hears of a renewal that failed for now.
  let failed: @Sendable (any Error) -> Void

  /// Renews until the task is cancelled, or the lease is found taken over or given back. Whoever lost
  /// it hears so from the next commit.
  func untilCancelled() async {
    while !Task.isCancelled {
      do {
        try await Task.sleep(for: duration / 3)
        try await sink.renew(lease, duration: duration)
      } catch is CancellationError {
        return
      } catch SinkError.fenced {
        return
      } catch {
        // The commit checks the fence itself; a renewal that failed for now is tried again.
        failed(error)
      }
    }
  }
}
