internal import Cairn

/// An answer of GitHub's GraphQL API: data, errors, or both.
struct GraphQLAnswer: Sendable {
  let data: JSONValue
  let errors: [GraphQLError]

  init(_ json: JSONValue) {
    data = json["data"]
    errors = json["errors"].elements.map(GraphQLError.init)
  }

  /// The error at a path, or above it.
  func error(at path: [String]) -> GraphQLError? {
    errors.first { !$0.path.isEmpty && path.starts(with: $0.path) }
  }

  /// Whether something may be missing at a path: there is an error at it, above or below it, or one that
  /// does not say where.
  func isPartial(at path: [String]) -> Bool {
    errors.contains { path.starts(with: $0.path) || $0.path.starts(with: path) }
  }

  /// What an answer means, as GitHub uses status and errors: most of its errors come with status 200.
  static func judge(_ response: APIResponse) -> APIVerdict {
    let verdict = APIVerdict.standard(response)
    guard case .answer = verdict, let json = response.json, (200..<300).contains(response.status)
    else { return verdict }
    let answer = GraphQLAnswer(json)
    for error in answer.errors {
      switch error.kind {
      case .rateLimit: return .limited(.primary)
      case .secondaryLimit: return .limited(.secondary)
      case .overload:
        return .failed(.server(status: 502, message: error.message))
      case .missing, .forbidden, .cursor, .refused: continue
      case .other:
        // With data beside it something is missing there that ought to be.
        guard !answer.data.isNull else { continue }
        return .failed(.server(status: 500, message: error.message))
      }
    }
    guard answer.data.isObject || !answer.errors.isEmpty else {
      return .failed(.unreadable("the answer has neither data nor errors"))
    }
    return .answer
  }
}

/// One of GitHub's errors.
struct GraphQLError: Sendable, Hashable {
  var type: String
  var message: String
  var path: [String]
  var isSAML: Bool

  init(_ json: JSONValue) {
    let extensions = json["extensions"]
    type = json["type"].string ?? extensions["type"].string ?? extensions["code"].string ?? ""
    message = json["message"].string ?? "an error without a message"
    path = json["path"].elements.map { $0.string ?? $0.integer.map { "\($0)" } ?? "" }
    isSAML = extensions["saml_failure"].boolean == true
    if json["code"].string == "graphql_rate_limit" { type = "RATE_LIMIT" }
  }

  enum Kind {
    case rateLimit, secondaryLimit, overload, missing, forbidden, cursor, refused, other
  }

  /// What follows from it.
  var kind: Kind {
    let words = message.lowercased()
    if words.contains("secondary rate limit") || words.contains("abuse detection") {
      return .secondaryLimit
    }
    switch type {
    case "RATE_LIMITED", "RATE_LIMIT", "graphql_rate_limit": return .rateLimit
    case "NOT_FOUND": return .missing
    case "FORBIDDEN": return .forbidden
    case "INVALID_CURSOR_ARGUMENTS": return .cursor
    case "INSUFFICIENT_SCOPES", "undefinedField", "argumentNotAccepted": return .refused
    case "MAX_NODE_LIMIT_EXCEEDED", "EXCESSIVE_PAGINATION", "RESOURCE_LIMITS_EXCEEDED",
      "SERVICE_UNAVAILABLE", "INTERNAL":
      return .overload
    default:
      // Errors of an overload have no type.
      let isOverload =
        words.contains("something went wrong while executing") || words.contains("timedout")
        || words.contains("timed out") || words.contains("timeout")
        || words.contains("respond to your request in time")
        || words.contains("resource limits for this query exceeded")
      return isOverload ? .overload : .other
    }
  }

  /// Why something cannot be read, with what to do.
  var reason: String {
    guard kind == .forbidden else { return message }
    if isSAML || message.contains("SAML") {
      return message + " Authorize the token for the organization's single sign-on."
    }
    return message
  }
}

extension JSONValue {
  /// Whether a connection has another page.
  var hasNextPage: Bool { self["pageInfo"]["hasNextPage"].boolean == true }

  /// Where a connection goes on; nil after its last page.
  ///
  /// - Parameter cursor: Where this page began.
  /// - Throws: ``Cairn/CursorSourceError/transient(_:)`` when it goes on, but not from another place: it
  ///   would neither end nor be read to its end.
  func nextCursor(after cursor: String?) throws(CursorSourceError) -> String? {
    guard hasNextPage else { return nil }
    guard let next = self["pageInfo"]["endCursor"].string else {
      throw .transient("GitHub says that a list goes on, but not where")
    }
    guard next != cursor else {
      throw .transient("GitHub gives the same page of a list again and again")
    }
    return next
  }
}
