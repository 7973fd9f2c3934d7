internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A request as it is sent.
struct TransportRequest: Sendable {
  var method: String
  var url: String
  var headers: [(name: String, value: String)]
  var body: [UInt8]?
}

/// An answer as it came.
struct TransportResponse: Sendable {
  var status: Int
  var headers: APIHeaders
  var body: [UInt8]
}

/// What carries requests.
protocol Transport: Sendable {
  /// Sends a request, once, and receives its answer.
  ///
  /// - Parameters:
  ///   - timeout: For all of it.
  ///   - limit: The most bytes the answer may have.
  /// - Throws: ``APIFailure``, or `CancellationError`.
  func exchange(
    _ request: TransportRequest, timeout: Duration, limit: Int
  ) async throws -> TransportResponse
}

/// HTTP by async-http-client: connections are kept and shared by all clients of the process.
struct NetworkTransport: Transport {
  // Never shut down: it lives as long as the process. Redirects are the client's business, since a
  // token must not go to another host.
  private static let client: HTTPClient = {
    var configuration = HTTPClient.Configuration()
    configuration.redirectConfiguration = .disallow
    configuration.decompression = .enabled(limit: .ratio(1000))
    configuration.timeout.connect = .seconds(15)
    // A connection that is refused is tried again by the client, which says so.
    configuration.connectionPool.retryConnectionEstablishment = false
    return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
  }()

  func exchange(
    _ request: TransportRequest, timeout: Duration, limit: Int
  ) async throws -> TransportResponse {
    do {
      return try await withThrowingTaskGroup(of: TransportResponse?.self) { group in
        group.addTask { try await Self.carry(request, limit: limit) }
        group.addTask {
          try await Task.sleep(for: timeout)
          return nil
        }
        defer { group.cancelAll() }
        guard let response = try await group.next() ?? nil else {
          throw APIFailure.timeout(timeout)
        }
        return response
      }
    } catch let failure as APIFailure {
      throw failure
    } catch {
      if Task.isCancelled { throw CancellationError() }
      throw Self.failure(error, request, timeout: timeout, limit: limit)
    }
  }

  private static func carry(
    _ request: TransportRequest, limit: Int
  ) async throws -> TransportResponse {
    var message = HTTPClientRequest(url: request.url)
    message.method = HTTPMethod(rawValue: request.method)
    for (name, value) in request.headers { message.headers.add(name: name, value: value) }
    if let body = request.body { message.body = .bytes(ByteBuffer(bytes: body)) }
    let response = try await client.execute(message, deadline: .distantFuture)
    var buffer = try await response.body.collect(upTo: limit)
    let headers = APIHeaders(response.headers.lazy.map { (name: $0.name, value: $0.value) })
    return TransportResponse(
      status: Int(response.status.code), headers: headers,
      body: buffer.readBytes(length: buffer.readableBytes) ?? [])
  }

  private static func failure(
    _ error: any Error, _ request: TransportRequest, timeout: Duration, limit: Int
  ) -> APIFailure {
    // `https://host:port`; what follows is the message's business.
    let origin = request.url.split(separator: "/", maxSplits: 3).prefix(2).joined(separator: "//")
    if error is NIOTooManyBytesError { return .tooLarge(limit: limit) }
    switch error as? HTTPClientError {
    case .connectTimeout?: return .network("no connection to \(origin) within 15 s")
    case .remoteConnectionClosed?:
      return .network("the connection was closed before an answer came")
    case .readTimeout?, .deadlineExceeded?: return .timeout(timeout)
    // Its whole description has the values of headers that are not taken: a token may be one.
    case let error?: return .network(error.shortDescription)
    case nil: break
    }
    switch error {
    case let error as IOError where [ECONNRESET, EPIPE, ENOTCONN].contains(error.errnoCode):
      return .network("the connection to \(origin) broke: \(reason(error))")
    case is IOError, is NIOConnectionError:
      return .network("no connection to \(origin): \(reason(error))")
    // Of TLS, or of what is no HTTP.
    default: return .network("no answer from \(origin): \(reason(error))")
    }
  }

  /// What a system's error means, in its own words and without those of the library.
  private static func reason(_ error: any Error) -> String {
    switch error {
    case let error as IOError: return String(cString: strerror(error.errnoCode))
    case let error as NIOConnectionError:
      guard let first = error.connectionErrors.first else {
        return "the name \(error.host) is not known"
      }
      return reason(first.error)
    default: return String(describing: error)
    }
  }
}
