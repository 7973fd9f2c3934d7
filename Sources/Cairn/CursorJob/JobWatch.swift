import Synchronization

/// What the tasks that ask for pages tell of each other: limits, waits, requests.
final class JobWatch: Sendable {
  private struct State {
    var requests = 0
    var rateLimit: RateLimit?
    /// How much the API's clock is ahead of this machine's.
    var clockAhead: Int64?
    var waits: [Int: JobWait] = [:]
    var nextWait = 0
    /// When the present time in which everything waits began.
    var waitedSince: ContinuousClock.Instant?
    var waited = Duration.zero
    var listener: AsyncStream<Signal>.Continuation?
  }

  /// What the tasks tell the runner.
  enum Signal: Sendable {
    case stop(StopReason)
    case waits(JobWait)
  }

  private let state = Mutex(State())
  private let environment: RunEnvironment

  init(environment: RunEnvironment) { self.environment = environment }

  /// What the tasks tell from now on. Who listened before hears no more.
  func listen() -> AsyncStream<Signal> {
    let (signals, listener) = AsyncStream<Signal>.makeStream()
    state.withLock { $0.listener = listener }
    return signals
  }

  func tell(_ signal: Signal) { state.withLock { $0.listener }?.yield(signal) }

  func countRequest() { state.withLock { $0.requests += 1 } }

  /// Answers may overtake each other: within a window the lowest counts. Servers tell the same reset a
  /// second apart.
  func record(_ limit: RateLimit) {
    state.withLock { state in
      if let known = state.rateLimit, known.remaining < limit.remaining {
        let (later, isFar) = limit.reset.subtractingReportingOverflow(known.reset)
        if !isFar, later.magnitude <= 2_000_000_000 { return }
      }
      state.rateLimit = limit
    }
  }

  func recordClock(_ instant: Int64) {
    let ahead = EventTime.clamped(instant) - environment.now()
    state.withLock { $0.clockAhead = $0.clockAhead ?? ahead }
  }

  func beginWait(_ wait: JobWait) -> Int {
    let number = state.withLock { state in
      state.nextWait += 1
      state.waits[state.nextWait] = wait
      state.waitedSince = state.waitedSince ?? .now
      return state.nextWait
    }
    tell(.waits(wait))
    return number
  }

  func endWait(_ number: Int) {
    state.withLock { state in
      state.waits[number] = nil
      guard state.waits.isEmpty, let since = state.waitedSince else { return }
      state.waited += .now - since
      state.waitedSince = nil
    }
  }

  var requests: Int { state.withLock { $0.requests } }
  var rateLimit: RateLimit? { state.withLock { $0.rateLimit } }
  var clockAhead: Int64 { state.withLock { $0.clockAhead ?? 0 } }
  var waited: Duration {
    state.withLock { $0.waited + ($0.waitedSince.map { ContinuousClock.now - $0 } ?? .zero) }
  }

  /// The wait that ends first, if as many tasks wait as there are.
  func wait(ofAll tasks: Int) -> JobWait? {
    state.withLock { state in
      guard tasks > 0, state.waits.count >= tasks else { return nil }
      return state.waits.values.min { $0.until < $1.until }
    }
  }
}

/// What a source may ask while it makes a page.
struct JobPageContext: PageContext {
  let watch: JobWatch
  let environment: RunEnvironment
  let deadline: ContinuousClock.Instant?
  let commitBy: ContinuousClock.Instant

  /// A wait that would end after the deadline.
  struct BeyondDeadline: Error {
    var wait: JobWait
  }

  func wait(until instant: Int64, for reason: WaitReason) async throws {
    try Task.checkCancellation()
    let instant = EventTime.clamped(instant)
    let left = Duration.nanoseconds(instant - environment.now())
    guard left > .zero else { return }
    let wait = JobWait(until: instant, reason: reason)
    if let deadline, .now + left > deadline { throw BeyondDeadline(wait: wait) }
    let number = watch.beginWait(wait)
    defer { watch.endWait(number) }
    try await environment.sleep(left)
  }

  func record(_ rateLimit: RateLimit) { watch.record(rateLimit) }
  func countRequest() { watch.countRequest() }
  func recordClock(_ instant: Int64) { watch.recordClock(instant) }
}
