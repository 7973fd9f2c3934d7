import Cairn
import Synchronization

@testable import CairnConnectors

/// Answers as a script has them, under a clock that only waits move.
final class ScriptedTransport: Transport, PageContext {
  enum Step: Sendable {
    case answer(Int, [(String, String)], String)
    case failure(APIFailure)
    /// Time that the request takes, then an answer.
    case late(Duration, Int, [(String, String)], String)
  }

  private struct State {
    var steps: [Step]
    var now: Int64
    var requests: [TransportRequest] = []
    var waits: [(until: Int64, reason: WaitReason)] = []
  }

  /// 2025-01-16 10:00:00 UTC.
  static let begin: Int64 = 1_737_021_600_000_000_000

  private let state: Mutex<State>
  let commitBy = ContinuousClock.now + .seconds(180)

  convenience init(_ steps: Step...) { self.init(steps) }

  init(_ steps: [Step]) {
    state = Mutex(State(steps: steps, now: Self.begin))
  }

  var requests: [TransportRequest] { state.withLock { $0.requests } }
  var reasons: [WaitReason] { state.withLock { $0.waits.map(\.reason) } }
  /// How long was waited, each time, in whole seconds after the begin.
  var waitedUntil: [Int64] {
    state.withLock { $0.waits.map { ($0.until - Self.begin) / 1_000_000_000 } }
  }
  var now: Int64 { state.withLock { $0.now } }

  /// Without jitter: random numbers are 0.
  var environment: RunEnvironment {
    RunEnvironment(
      now: { self.state.withLock { $0.now } }, random: { 0 }, sleep: { _ in })
  }

  func client(
    _ address: String = "https://api.example.com", token: String,
    _ change: (inout APIClientOptions) -> Void = { _ in }
  ) throws -> APIClient {
    var options = APIClientOptions(
      service: "Example", retry: RetryPolicy(attempts: 4, minimumBackoff: .seconds(1)))
    change(&options)
    return APIClient(
      address: try APIAddress(address), credentials: .bearer(Secret(token)), options: options,
      environment: environment, transport: self)
  }

  struct Exhausted: Error {}

  func exchange(
    _ request: TransportRequest, timeout: Duration, limit: Int
  ) async throws -> TransportResponse {
    let step = try state.withLock { state throws -> Step in
      state.requests.append(request)
      guard !state.steps.isEmpty else { throw Exhausted() }
      return state.steps.removeFirst()
    }
    switch step {
    case .failure(let failure): throw failure
    case .answer(let status, let headers, let body):
      return TransportResponse(
        status: status, headers: APIHeaders(headers.map { (name: $0.0, value: $0.1) }),
        body: Array(body.utf8))
    case .late(let time, let status, let headers, let body):
      state.withLock { $0.now += time.wholeNanoseconds }
      return TransportResponse(
        status: status, headers: APIHeaders(headers.map { (name: $0.0, value: $0.1) }),
        body: Array(body.utf8))
    }
  }

  func wait(until instant: Int64, for reason: WaitReason) async throws {
    state.withLock { state in
      state.waits.append((instant, reason))
      state.now = max(state.now, instant)
    }
  }

  func record(_ rateLimit: RateLimit) {}
  func countRequest() {}
}
