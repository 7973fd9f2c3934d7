internal import Cairn

/// Asks Jira, and says what its refusals mean.
struct JiraAPI: Sendable {
  let client: APIClient
  let deployment: JiraDeployment
  /// Whether there are credentials that may turn out not to be valid.
  let isAuthenticated: Bool

  /// Asks for a path below `/rest/api/…`, or for one that begins with `/rest`.
  ///
  /// - Returns: The answer, whatever its status, but for 401.
  func answer(
    _ path: String, query: [(name: String, value: String)] = [], context: any PageContext
  ) async throws -> APIResponse {
    let request = APIRequest(.get, whole(path), query: query)
    return try await send(context) { _ in request }
  }

  /// As ``answer(_:query:context:)``, but anything else than success is an error.
  func json(
    _ path: String, query: [(name: String, value: String)] = [], context: any PageContext
  ) async throws -> JSONValue {
    let response = try await answer(path, query: query, context: context)
    return try success(response, path: whole(path)).json ?? .missing
  }

  func send(
    _ context: any PageContext, _ make: (APIAttempt) -> APIRequest
  ) async throws -> APIResponse {
    let response = try await client.send(context: context, make)
    // Jira answers many a question as to somebody unknown when the credentials are not right: with
    // fewer projects, and with success.
    if isAuthenticated, let reason = response.headers["x-seraph-loginreason"],
      reason.contains("AUTHENTICATED_FAILED") || reason.contains("AUTHENTICATION_DENIED")
    {
      throw CursorSourceError.fatal(
        "Jira does not accept the credentials: it answers as to somebody unknown (\(reason)).",
        remedy: Self.remedy)
    }
    return response.status == 401 ? try success(response, path: "the request") : response
  }

  /// The response, if it is a success.
  func success(_ response: APIResponse, path: String) throws -> APIResponse {
    do {
      return try client.checked(response, path: path)
    } catch {
      throw CursorSourceError.fatal(
        "Jira refuses \(error.path): status \(error.status)"
          + (error.message.isEmpty ? "" : ": \(error.message)"),
        remedy: error.status == 401 ? Self.remedy : error.remedy)
    }
  }

  /// Makes sure that Jira knows who asks.
  ///
  /// - Throws: A fatal error if it does not.
  func proveIdentity(_ context: any PageContext) async throws {
    guard isAuthenticated else { return }
    _ = try await json("/myself", context: context)
  }

  static let remedy =
    "Check e-mail address and API token (Cloud) or the personal access token (Data Center): they may "
    + "be mistyped, revoked or expired."

  /// The list that an answer has as a member. An answer without it is not one that has none: rows would
  /// count as deleted.
  ///
  /// - Throws: ``Cairn/CursorSourceError/transient(_:)`` when it is not there.
  static func list(
    _ answer: JSONValue, _ member: String, of path: String
  ) throws(CursorSourceError) -> [JSONValue] {
    let list = answer[member]
    guard list.isArray else {
      throw .transient("Jira's answer to \(path) has success, but no list '\(member)'")
    }
    return list.elements
  }

  private func whole(_ path: String) -> String {
    path.hasPrefix("/rest") ? path : deployment.path + path
  }
}
