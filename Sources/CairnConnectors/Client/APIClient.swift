public import Cairn
internal import Synchronization

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Asks an API for JSON, as a job does: within its limits, again after errors that may pass, and
/// waiting only as the job's driver lets it.
///
/// - Errors of the server (5xx), of the network, and answers that do not come in time or are torn are
///   tried again, with jittered backoff (``APIClientOptions/retry``).
/// - `429`, `403` with a limit's marks, `Retry-After` and `X-RateLimit-…` are waited for. All clients of
///   the process that use the same credentials at the same address share one budget.
/// - Redirects are followed within the same host only, so that credentials go nowhere else.
/// - Credentials appear in no error, description or dump.
///
/// A request is sent more than once if need be, so it must change nothing.
public final class APIClient: Sendable {
  /// Where the API is.
  public let address: APIAddress
  private let credentials: any CredentialSource
  private let options: APIClientOptions
  private let environment: RunEnvironment
  private let transport: any Transport
  private let budget: RateBudget
  /// How far the API's clock is ahead of the local one, in nanoseconds, as its last answer told.
  private let clock = Mutex<Int64?>(nil)

  /// How often in a row a limit is waited for before the request is given up.
  private static let mostWaits = 20
  private static let mostRedirects = 5

  /// Makes a client.
  public convenience init(
    address: APIAddress, credentials: APICredentials, options: APIClientOptions
  ) {
    self.init(
      address: address, credentials: credentials, options: options, environment: .live,
      transport: NetworkTransport())
  }

  convenience init(
    address: APIAddress, credentials: APICredentials, options: APIClientOptions,
    environment: RunEnvironment, transport: any Transport
  ) {
    let source: any CredentialSource
    switch credentials {
    case .anonymous: source = FixedCredentials(nil)
    case .bearer(let token): source = FixedCredentials(bearer: token)
    case .basic(let user, let password): source = FixedCredentials(user: user, password: password)
    case .gitHubApp(let app):
      source = InstallationTokens(app, environment: environment, transport: transport)
    }
    self.init(
      address: address, source: source, options: options, environment: environment,
      transport: transport)
  }

  init(
    address: APIAddress, source: any CredentialSource, options: APIClientOptions,
    environment: RunEnvironment, transport: any Transport
  ) {
    self.address = address
    self.credentials = source
    self.options = options
    self.environment = environment
    self.transport = transport
    budget = .shared(of: source.identity, at: address)
  }

  /// The time by the API's clock, in nanoseconds since 1970-01-01 UTC; nil before its first answer.
  public var serverTime: Int64? {
    clock.withLock { $0 }.map { environment.now() + $0 }
  }

  /// Whether a request would have to wait for the API's limit now.
  func isLimited(_ cost: Int) -> Bool {
    budget.wouldWait(cost, reserve: options.reserve, now: environment.now())
  }

  /// Takes in what a checkpoint says of the API's limits.
  func recall(_ limit: RateLimit) {
    let told = ToldLimit(limit: nil, remaining: limit.remaining, reset: limit.reset)
      .believed(at: environment.now())
    budget.recalled(told.remaining, reset: told.reset)
  }

  /// Takes in what an answer's body tells of the budget, where its headers tell nothing.
  func note(_ told: ToldLimit?, besides headers: APIHeaders, _ context: any PageContext) {
    guard let told, ToldLimit(headers) == nil else { return }
    take(told, context)
  }

  /// Asks, until there is an answer.
  ///
  /// - Parameters:
  ///   - context: What the job's driver gave with the page's request.
  ///   - judge: What an answer means; ``APIVerdict/standard(_:)`` where the API has no ways of its own.
  ///   - make: Makes the request; called anew for each try, so that it may ask for less after an
  ///     overload.
  /// - Returns: An answer, which may be an error's (3xx, 4xx): see ``checked(_:path:)``.
  /// - Throws: ``Cairn/CursorSourceError/transient(_:)`` when all tries failed; what the context throws.
  public func send(
    context: any PageContext,
    judge: @Sendable (APIResponse) -> APIVerdict = APIVerdict.standard,
    _ make: (APIAttempt) throws -> APIRequest
  ) async throws -> APIResponse {
    var attempt = APIAttempt(number: 1)
    var waits = 0
    var mayRenew = true
    while true {
      try Task.checkCancellation()
      let request = try make(attempt)
      try await claim(request.cost, context)
      do {
        defer { budget.settle(request.cost) }
        // After the wait: what was good before it may have expired.
        let header = try await credentials.authorization(context)
        let response = try await once(request, header, context)
        switch judge(response) {
        case .answer where response.status == 401 && mayRenew:
          mayRenew = false
          guard await credentials.refused(header) else { return response }
          continue
        case .answer:
          budget.answered()
          return response
        case .limited(let limit):
          waits += 1
          mayRenew = true
          guard waits <= Self.mostWaits else {
            throw CursorSourceError.transient(
              "\(options.service) still refuses after \(Self.mostWaits) waits for its limit: "
                + response.message)
          }
          note(limit, response)
          attempt.failure = nil
          continue
        case .failed(let failure): throw failure
        }
      } catch let failure as APIFailure {
        guard attempt.number < options.retry.attempts else {
          throw CursorSourceError.transient(
            "\(options.service) \(request.path), tried \(attempt.number) times: \(failure)")
        }
        let wait = Backoff.wait(
          afterFailures: attempt.number, policy: options.retry, random: environment.random())
        attempt.number += 1
        attempt.failure = failure
        try await context.wait(
          until: environment.now() + wait.wholeNanoseconds,
          for: .retry(attempt: attempt.number, error: "\(failure)"))
      }
    }
  }

  /// Asks, and takes nothing but success for an answer.
  ///
  /// - Throws: As ``send(context:judge:_:)``, and ``APIRefusal``.
  public func json(_ request: APIRequest, context: any PageContext) async throws -> JSONValue {
    try checked(await send(context: context) { _ in request }, path: request.path).json ?? .missing
  }

  /// The response, if it is a success.
  ///
  /// - Throws: ``APIRefusal`` otherwise, with a remedy where there is one.
  public func checked(_ response: APIResponse, path: String) throws(APIRefusal) -> APIResponse {
    guard !(200..<300).contains(response.status) else { return response }
    let remedy =
      switch response.status {
      case 401: "Check the credentials: they are not valid here, or have expired."
      case 403: "The credentials are valid but may not do this: check what they may read."
      case 404: "Check the address (\(address)) and the names in the job."
      case 300..<400:
        "It redirects to another place, where the credentials are not sent. Give the address where "
          + "the API is now."
      default: ""
      }
    throw APIRefusal(
      service: options.service, status: response.status, message: response.message, path: path,
      remedy: [remedy, options.remedies[response.status] ?? ""].filter { !$0.isEmpty }
        .joined(separator: " "))
  }

  // MARK: - One try

  private func claim(_ cost: Int, _ context: any PageContext) async throws {
    while true {
      switch budget.claim(cost, reserve: options.reserve, now: environment.now()) {
      case .granted: return
      case .wait(let instant, let remaining):
        // Those who wait for the same instant do not all ask in the same moment.
        let jitter = Int64(environment.random() % 250_000_000)
        try await context.wait(
          until: instant + jitter,
          for: remaining.map { .rateLimit(remaining: $0) } ?? .retryAfter)
      }
    }
  }

  private func once(
    _ request: APIRequest, _ header: Secret?, _ context: any PageContext
  ) async throws -> APIResponse {
    var message = TransportRequest(
      method: request.method.rawValue, url: address.url(request.path, query: request.query),
      headers: [("Accept", "application/json"), ("User-Agent", "cairn")] + options.headers
        + request.headers, body: request.body)
    if request.body != nil { message.headers.append(("Content-Type", "application/json")) }
    if let header { message.headers.append(("Authorization", header.word)) }
    var redirects = 0
    while true {
      context.countRequest()
      let answer = try await transport.exchange(
        message, timeout: options.timeout, limit: options.maximumAnswer)
      note(answer.headers, context)
      if let place = redirect(answer, of: request), redirects < Self.mostRedirects {
        redirects += 1
        message.url = place
        continue
      }
      return try response(answer, header)
    }
  }

  /// Where a redirect leads, if it is followed.
  private func redirect(_ answer: TransportResponse, of request: APIRequest) -> String? {
    guard [301, 302, 303, 307, 308].contains(answer.status), request.method == .get,
      let place = answer.headers["location"]
    else { return nil }
    if place.hasPrefix("/"), !place.hasPrefix("//") { return address.origin + place }
    guard let end = place.firstRange(of: "://") else { return nil }
    let origin =
      place[..<end.upperBound]
      + place[end.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    return origin.lowercased() == address.origin ? place : nil
  }

  private func response(
    _ answer: TransportResponse, _ header: Secret?
  ) throws(APIFailure) -> APIResponse {
    var response = APIResponse(status: answer.status, headers: answer.headers)
    let isSuccess = (200..<300).contains(answer.status)
    let body = isSuccess ? answer.body : Self.scrubbed(answer.body, header)
    do throws(JSONError) {
      if !body.isEmpty { response.json = try JSONValue(parsing: body) }
    } catch {
      if isSuccess { throw .unreadable("status \(answer.status), but the answer is \(error)") }
      let words = String(decoding: body.prefix(2000), as: UTF8.self)
        .split { $0.isWhitespace || $0.isNewline }.joined(separator: " ")
      response.text = words.count > 200 ? words.prefix(200) + "…" : words
    }
    return response
  }

  /// An error's text without the credentials, should the server repeat them: it is shown.
  private static func scrubbed(_ body: [UInt8], _ header: Secret?) -> [UInt8] {
    guard let word = header?.word.split(separator: " ").last, word.count > 3 else { return body }
    return Array(String(decoding: body, as: UTF8.self).replacing(word, with: "•••").utf8)
  }

  // MARK: - What headers tell

  private func note(_ headers: APIHeaders, _ context: any PageContext) {
    let now = environment.now()
    if let date = headers["date"].flatMap(HTTPDate.nanoseconds) {
      // The header has whole seconds: a difference within them is none.
      let ahead = date - now
      let offset = (-1_500_000_000...500_000_000).contains(ahead) ? 0 : ahead
      clock.withLock { $0 = offset }
      context.recordClock(now + offset)
    }
    if let told = ToldLimit(headers) { take(told, context) }
  }

  private func take(_ told: ToldLimit, _ context: any PageContext) {
    let told = told.believed(at: serverTime ?? environment.now())
    budget.told(told, reset: local(told.reset))
    context.record(RateLimit(remaining: told.remaining, reset: told.reset))
  }

  /// When an instant of the API's clock is by the local one.
  private func local(_ instant: Int64) -> Int64 {
    let (local, isOver) = instant.subtractingReportingOverflow(clock.withLock { $0 } ?? 0)
    return isOver ? instant : local
  }

  private func note(_ limit: APIVerdict.Limit, _ response: APIResponse) {
    let now = environment.now()
    let wait = retryAfter(response.headers, serverTime: serverTime ?? now)
    switch limit {
    case .primary where wait == nil:
      if let told = ToldLimit(response.headers)?.believed(at: serverTime ?? now) {
        // Where the window has ended on the way here it is asked again soon, not in a minute.
        budget.exhausted(until: max(local(told.reset), now + 1_000_000_000))
      } else {
        budget.block(for: nil, now: now)
      }
    case .primary, .secondary: budget.block(for: wait, now: now)
    }
  }
}

extension Duration {
  /// Nanoseconds, capped where they do not fit.
  var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (whole, isOver) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    return isOver ? .max / 2 : whole + attoseconds / 1_000_000_000
  }
}
