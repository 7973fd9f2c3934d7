import Dispatch

/// Runs tasks that block or compute for long on threads of their own, so that the cooperative pool
/// stays free.
final class WorkerExecutor: TaskExecutor {
  private let queue: DispatchQueue

  init(label: String) { queue = DispatchQueue(label: label, attributes: .concurrent) }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }

  /// The threads of all loads of the process.
  static let shared = WorkerExecutor(label: "cairn.worker")
}
