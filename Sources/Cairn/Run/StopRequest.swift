import Synchronization

/// Asks a running load, from any thread, to stop after the commit in flight.
public final class StopRequest: Sendable {
  private let reason = Mutex<StopReason?>(nil)

  /// Makes a request that nobody has raised yet.
  public init() {}

  /// Asks to stop; the first reason counts.
  public func raise(_ why: StopReason) { reason.withLock { $0 = $0 ?? why } }

  /// Why to stop, or nil as long as nobody asked.
  public var raised: StopReason? { reason.withLock { $0 } }
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

  /// The reason in words.
  public var description: String {
    switch self {
    case .deadline: "the deadline passed"
    case .signal(let name): "received \(name)"
    case .cancelled: "cancelled"
    case .sinkAway(let detail): "the sink is away: \(detail)"
    case .loadUnfinished(let detail): detail
    case .circuitOpen(let detail): "too many batches failed in a row: \(detail)"
    }
  }
}
