/// What a source is asked for.
public struct PageRequest: Sendable {
  /// The partition.
  public var partition: Partition
  /// The cursor after the last record that is committed; nil at the partition's begin.
  public var cursor: String?
  /// Records that changed before this instant, in nanoseconds since 1970-01-01 UTC, are known already;
  /// nil when all are wanted.
  public var since: Int64?
  /// The most records the page should have; the source may give fewer.
  public var limit: Int
  /// What the source may ask of the driver.
  public var context: any PageContext

  /// Makes a request.
  public init(
    partition: Partition, cursor: String?, since: Int64?, limit: Int, context: any PageContext
  ) {
    self.partition = partition
    self.cursor = cursor
    self.since = since
    self.limit = limit
    self.context = context
  }
}

/// What a source may ask of the driver while it makes a page.
public protocol PageContext: Sendable {
  /// When the page should be committed with what there is by then, since the time between two
  /// checkpoints is limited; a source that follows nested pages may cut its page here.
  var commitBy: ContinuousClock.Instant { get }

  /// Waits until a wall-clock instant, in nanoseconds since 1970-01-01 UTC. The wait is shown to who
  /// watches the job, saved with the checkpoint, and counts against the deadline.
  ///
  /// - Throws: An error, to be passed on, as soon as the job is told to stop, and at once when the
  ///   deadline is before the instant.
  func wait(until instant: Int64, for reason: WaitReason) async throws

  /// Records what the API last said of its limits, for the checkpoint's `rate_limit_context`.
  func record(_ rateLimit: RateLimit)

  /// Counts a request to the API, for progress and metrics.
  func countRequest()

  /// Records what time it is by the API's own clock, now: a `Date` header, in nanoseconds since
  /// 1970-01-01 UTC. By it the next run knows since when it has to look for changes. By default
  /// nothing: then this machine's clock counts.
  func recordClock(_ instant: Int64)
}

extension PageContext {
  /// Nothing.
  public func recordClock(_ instant: Int64) {}
}

/// Why a source waits.
public enum WaitReason: Sendable, Hashable {
  /// The API's limit of requests is used up; so many are left.
  case rateLimit(remaining: Int)
  /// The API asked to come back later (`Retry-After`).
  case retryAfter
  /// An error that may pass; the number of the next try.
  case retry(attempt: Int, error: String)
}

/// What an API says of its limits. Values that make no sense are brought to the nearest that do: it goes
/// into the checkpoint, which would not be valid with them.
public struct RateLimit: Sendable, Hashable, Codable {
  /// Requests, or points, that are left in the window.
  public let remaining: Int
  /// When the window ends, in nanoseconds since 1970-01-01 UTC.
  public let reset: Int64

  /// Makes a limit.
  public init(remaining: Int, reset: Int64) {
    self.remaining = max(remaining, 0)
    self.reset = EventTime.clamped(reset)
  }
}
