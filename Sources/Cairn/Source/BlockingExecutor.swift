internal import Dispatch

/// Runs blocking work (file reads, decompression) on threads of its own, so that the cooperative
/// pool of Swift's tasks is never blocked.
final class BlockingExecutor: SerialExecutor {
  private let queue: DispatchQueue

  init(label: String) {
    queue = DispatchQueue(label: label)
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }

  func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    UnownedSerialExecutor(ordinary: self)
  }

  /// Runs `work` on a thread of its own and waits for its result without blocking.
  static func run<Result: Sendable>(
    _ work: @escaping @Sendable () throws(SourceError) -> Result
  ) async throws(SourceError) -> Result {
    let result: Swift.Result<Result, SourceError> = await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        do throws(SourceError) {
          continuation.resume(returning: .success(try work()))
        } catch {
          continuation.resume(returning: .failure(error))
        }
      }
    }
    return try result.get()
  }
}
