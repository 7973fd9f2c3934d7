import Dispatch

/// Runs transfers, which block, on threads of their own, so that the cooperative pool stays free.
enum DeliveryThreads {
  private static let queue = DispatchQueue(label: "cairn.alerts", attributes: .concurrent)

  static func run<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
      queue.async { continuation.resume(returning: work()) }
    }
  }
}
