#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Time, randomness and waiting, as values, so that tests and simulations own them.
public struct RunEnvironment: Sendable {
  /// The wall clock: nanoseconds since 1970-01-01 UTC.
  public var now: @Sendable () -> Int64
  /// 64 random bits.
  public var random: @Sendable () -> UInt64
  /// Waits, or throws `CancellationError`.
  public var sleep: @Sendable (Duration) async throws -> Void

  /// Makes an environment from its parts.
  public init(
    now: @escaping @Sendable () -> Int64, random: @escaping @Sendable () -> UInt64,
    sleep: @escaping @Sendable (Duration) async throws -> Void
  ) {
    self.now = now
    self.random = random
    self.sleep = sleep
  }

  /// The machine's own clock and random numbers.
  public static let live = RunEnvironment(
    now: { Int64(Date().timeIntervalSince1970 * 1e9) },
    random: { UInt64.random(in: .min ... .max) },
    sleep: { try await Task.sleep(for: $0) })

  /// The wall clock as ISO 8601 UTC with seconds, as the manifest writes it.
  public func timestamp() -> String { Timestamp.text(ofNanoseconds: now()) }
}

/// ISO 8601 timestamps in UTC, to the second: `2025-01-29T14:30:22Z`.
enum Timestamp {
  static func text(ofNanoseconds nanoseconds: Int64) -> String {
    let date = Date(timeIntervalSince1970: Double(nanoseconds / 1_000_000_000))
    return date.formatted(.iso8601)
  }

  static func nanoseconds(of text: String) -> Int64? {
    guard let date = try? Date(text, strategy: .iso8601) else { return nil }
    return Int64(date.timeIntervalSince1970 * 1e9)
  }
}

extension SyncID {
  /// Makes the id of a run that begins now: `sync_`, the UTC time and eight random digits.
  public init(environment: RunEnvironment) {
    let stamp = environment.timestamp().filter { $0 != "-" && $0 != ":" && $0 != "Z" }
    let hex = String(UInt32(truncatingIfNeeded: environment.random()), radix: 16)
    let random = String(repeating: "0", count: 8 - hex.count) + hex
    self.init(unchecked: "sync_" + stamp.replacing("T", with: "_") + "_" + random)
  }
}
