import Synchronization

/// Asks a running load or job, from any thread, to stop after the commit in flight.
public final class StopRequest: Sendable {
  private struct State {
    var reason: StopReason?
    var listeners: [Int: @Sendable (StopReason) -> Void] = [:]
    var nextListener = 0
  }

  private let state = Mutex(State())

  /// Makes a request that nobody has raised yet.
  public init() {}

  /// Asks to stop; the first reason counts.
  public func raise(_ why: StopReason) {
    let listeners = state.withLock { state -> [@Sendable (StopReason) -> Void] in
      guard state.reason == nil else { return [] }
      state.reason = why
      defer { state.listeners = [:] }
      return Array(state.listeners.values)
    }
    for listener in listeners { listener(why) }
  }

  /// Why to stop, or nil as long as nobody asked.
  public var raised: StopReason? { state.withLock { $0.reason } }

  /// Calls `listener` once it is raised, at once if it is already.
  ///
  /// - Returns: A number for ``forget(_:)``.
  func listen(_ listener: @escaping @Sendable (StopReason) -> Void) -> Int {
    let (number, raised) = state.withLock { state in
      state.nextListener += 1
      if state.reason == nil { state.listeners[state.nextListener] = listener }
      return (state.nextListener, state.reason)
    }
    if let raised { listener(raised) }
    return number
  }

  /// Calls a listener no more.
  func forget(_ number: Int) { state.withLock { $0.listeners[number] = nil } }

  /// Waits so long, or until it is raised.
  ///
  /// - Throws: ``Stopped`` when it is raised; what `environment` throws.
  func sleep(_ duration: Duration, in environment: RunEnvironment) async throws {
    let (raised, continuation) = AsyncStream<Never>.makeStream()
    let number = listen { _ in continuation.finish() }
    defer { forget(number) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      defer { group.cancelAll() }
      group.addTask { try await environment.sleep(duration) }
      group.addTask {
        for await _ in raised {}
        try Task.checkCancellation()
        throw Stopped()
      }
      try await group.next()
    }
  }

  /// A wait was broken off since a stop was asked for.
  struct Stopped: Error {}
}

/// Why a run stopped before its end. It can be resumed.
public enum StopReason: Sendable, Hashable, CustomStringConvertible {
  /// The deadline passed.
  case deadline
  /// The process was told to end, by the signal named.
  case signal(String)
  /// The task was cancelled.
  case cancelled
  /// The sink is away, or failed several chunks in a row.
  case sinkAway(String)
  /// A load into the table of the batches is unfinished; says which, and what to do.
  case loadUnfinished(String)
  /// Too many batches failed in a row.
  case circuitOpen(String)
  /// The source is away, or failed several times in a row.
  case sourceAway(String)

  /// The reason in words.
  public var description: String {
    switch self {
    case .deadline: "the deadline passed"
    case .signal(let name): "received \(name)"
    case .cancelled: "cancelled"
    case .sinkAway(let detail): "the sink is away: \(detail)"
    case .sourceAway(let detail): "the source is away: \(detail)"
    case .loadUnfinished(let detail): detail
    case .circuitOpen(let detail): "too many batches failed in a row: \(detail)"
    }
  }
}
