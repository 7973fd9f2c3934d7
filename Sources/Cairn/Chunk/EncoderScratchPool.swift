import Parquet
import Synchronization

/// Working memory of encoders that nobody uses, so that further chunk files need not allocate it
/// anew: page buffers, and the compressor's context.
final class EncoderScratchPool: Sendable {
  private struct Idle: @unchecked Sendable {
    // @unchecked: reachable only through the pool's mutex, and taken out before it is used.
    let scratch: EncoderScratch
  }

  private let idle = Mutex<[Idle]>([])

  /// Calls `body` with working memory of its own.
  func with<Result>(_ body: (EncoderScratch) throws -> Result) rethrows -> Result {
    let scratch = idle.withLock { $0.popLast() }?.scratch ?? EncoderScratch()
    defer { idle.withLock { $0.append(Idle(scratch: scratch)) } }
    return try body(scratch)
  }
}
