/// Does something for so long at most.
enum StageDeadline {
  /// Does `work` in the caller's isolation; cancels it when the time is over, waits for its end, and
  /// throws then, unless it has succeeded all the same.
  ///
  /// - Parameters:
  ///   - limit: How long; nil for no limit.
  ///   - whole: The limit to name when it was passed.
  ///   - stage: Whose it is.
  /// - Throws: ``PipelineError/stageDeadline(_:_:)``, or what `work` throws.
  static func limit<Value: Sendable>(
    _ limit: Duration?, whole: Duration?, stage: String,
    isolation: isolated (any Actor)? = #isolation, _ work: () async throws -> Value
  ) async throws -> Value {
    guard let limit else { return try await work() }
    return try await withoutActuallyEscaping(work) { work in
      // Nothing of `work` is ever touched by two at a time, though the compiler cannot see it: the task
      // is the only one that calls it, once; the caller has no way on from here but over
      // `await task.result`, also when it is cancelled, so it uses nothing that `work` holds meanwhile,
      // and `work` does not outlive the closure. The task captures `isolation`, so that it runs where
      // the caller would have run `work` itself. Beginning and awaiting a task order what both write.
      nonisolated(unsafe) let work = work
      let task = Task {
        _ = isolation
        return try await work()
      }
      let timer = Task {
        try await Task.sleep(for: limit)
        task.cancel()
        return true
      }
      let result = await withTaskCancellationHandler {
        await task.result
      } onCancel: {
        task.cancel()
        timer.cancel()
      }
      timer.cancel()
      let isOver = (try? await timer.value) ?? false
      if case .failure = result, isOver { throw PipelineError.stageDeadline(stage, whole ?? limit) }
      return try result.get()
    }
  }
}
