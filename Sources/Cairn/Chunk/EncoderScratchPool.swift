import Parquet
import Synchronization

/// Working memory of encoders that nobody uses, so that further chunk files need not allocate it
/// anew: page buffers, and the compressor's context.
final class EncoderScratchPool: Sendable {
  private struct Idle: @unchecked Sendable {
    // @unchecked: reachable only through the pool's mutex, and taken out before it is used.
    let scratch: EncoderScratch
  }

  /// Beyond this it is not kept: values of a megabyte make pages that a chunk with short ones does
  /// not need.
  private static let keptPageBytes = 4 << 20

  private let idle = Mutex<[Idle]>([])

  /// Calls `body` with working memory of its own.
  func with<Result>(_ body: (EncoderScratch) throws -> Result) rethrows -> Result {
    let scratch = idle.withLock { $0.popLast() }?.scratch ?? EncoderScratch()
    defer {
      if scratch.pageByteCount <= Self.keptPageBytes {
        idle.withLock { $0.append(Idle(scratch: scratch)) }
      }
    }
    return try body(scratch)
  }
}
