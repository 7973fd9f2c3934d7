/// Does blocking work on the workers' threads, not on the cooperative pool.
func onWorker<Value: Sendable>(
  _ work: @escaping @Sendable () throws -> Value
) async throws -> Value {
  try await Task(executorPreference: WorkerExecutor.shared) { try work() }.value
}
