internal import Cairn

/// Reads the issues of a project in the order of their keys, from where a cursor says.
struct IssueSearch: Sendable {
  let api: JiraAPI
  let project: String
  /// A query of the user's.
  var filter: String?
  /// A clause for what changed.
  let since: String?
  /// The fields that are wanted.
  let fields: [String]
  let withChangelog: Bool
  let sizes: PageSizes

  /// By what the size of pages is remembered: what is asked for decides how heavy they are.
  private var name: String { "\(fields.joined(separator: ",")) of \(project)" }

  /// What was found.
  enum Outcome {
    case found(Found)
    /// Jira does not take the query, in whose cause it names: a project that is gone, above all.
    case refused(String)
  }

  /// Issues that follow a cursor.
  struct Found {
    var issues: [JSONValue]
    /// Whether there are none after them.
    var isLast: Bool
    /// How many issues are before the one after them; of use where there are offsets.
    var offset: Int
    /// The issue that they follow: the cursor's last one, or one before it if that is gone; nil where they
    /// are the first.
    var anchor: IssueCursor.Anchor?
  }

  /// Issues after a cursor; nil for the first ones.
  ///
  /// - Parameter limit: The most that are wanted. There may be fewer, or none, also if others follow.
  /// - Throws: ``CursorSourceError/cursorRefused(_:)`` if none of the issues that the cursor names are
  ///   where they were.
  func after(
    _ cursor: IssueCursor?, limit: Int, context: any PageContext
  ) async throws -> Outcome {
    switch api.deployment {
    case .cloud: try await byKey(cursor, limit: limit, context)
    case .dataCenter: try await byOffset(cursor, limit: limit, context)
    }
  }

  // MARK: - Cloud

  private func byKey(
    _ cursor: IssueCursor?, limit: Int, _ context: any PageContext
  ) async throws -> Outcome {
    guard let cursor else { return try await list(from: nil, anchor: nil, limit: limit, context) }
    for anchor in cursor.anchors {
      // The answer begins with the anchor if it is still there; if it is not, there is no telling what
      // the answer means: Cloud finds nothing after a key that is gone.
      if case .found(var found) = try await list(
        from: anchor.key, anchor: anchor.id, limit: limit, context)
      {
        found.offset = cursor.offset + found.issues.count
        found.anchor = anchor
        return .found(found)
      }
    }
    throw CursorSourceError.cursorRefused(
      "the issues of \(project) up to which was read ("
        + cursor.anchors.map(\.key).joined(separator: ", ") + ") are not there any more")
  }

  /// Issues whose keys are not before one. Where an anchor is given, the first issue must be it, and is
  /// left out.
  private func list(
    from key: String?, anchor: Int64?, limit: Int, _ context: any PageContext
  ) async throws -> Outcome {
    let jql = JQL.issues(ofProject: project, filter: filter, since: since, from: key)
    var token: String?
    var isFirst = true
    while true {
      var page = PageSize(sizes, of: name, limit: limit)
      let response = try await api.send(context) { attempt in
        // One more, for the anchor.
        let count = page.size(for: attempt) + (anchor == nil ? 0 : 1)
        var body =
          "{\"jql\":\(JSONText.quoted(jql)),\"maxResults\":\(count),"
          + "\"fields\":[\(fields.map(JSONText.quoted).joined(separator: ","))]"
        if withChangelog { body += ",\"expand\":\"changelog\"" }
        if let token { body += ",\"nextPageToken\":\(JSONText.quoted(token))" }
        return APIRequest(
          .post, api.deployment.path + "/search/jql", body: Array((body + "}").utf8))
      }
      if response.status == 400 { return .refused(response.message) }
      let answer = try checked(response, "/search/jql")
      page.answered()
      var issues = try JiraAPI.list(answer, "issues", of: "/search/jql")
      if let anchor, isFirst {
        guard issues.first?["id"].integer == anchor else {
          return .refused("the issue with the id \(anchor) is not there")
        }
        issues.removeFirst()
      }
      isFirst = false
      let next = answer["nextPageToken"].string
      let isLast = next == nil || answer["isLast"].boolean == true
      // A page may be empty though others follow.
      if issues.isEmpty, !isLast, next != token {
        token = next
        continue
      }
      guard !issues.isEmpty || isLast else {
        throw CursorSourceError.transient("Jira gives the same page of \(project) again and again")
      }
      if isLast { sizes.forget(name) }
      return .found(Found(issues: issues, isLast: isLast, offset: issues.count))
    }
  }

  // MARK: - Data Center

  private func byOffset(
    _ cursor: IssueCursor?, limit: Int, _ context: any PageContext
  ) async throws -> Outcome {
    guard let cursor else { return try await list(at: 0, limit: limit, context) }
    var start = max(0, cursor.offset - 1)
    var back = limit
    while true {
      // One more, for the anchor.
      let answer = try await list(at: start, limit: limit, more: 1, context)
      guard case .found(var found) = answer else { return answer }
      for (place, issue) in found.issues.enumerated().reversed() {
        guard let anchor = cursor.anchors.first(where: { $0.id == issue["id"].integer }) else {
          continue
        }
        found.issues.removeFirst(place + 1)
        found.anchor = anchor
        guard found.issues.isEmpty, !found.isLast else { return .found(found) }
        // A server that does not say how many there are says so by an answer without any.
        guard case .found(let more) = try await list(at: found.offset, limit: limit, context) else {
          return answer
        }
        guard !more.issues.contains(where: { $0["id"].integer == anchor.id }) else {
          throw CursorSourceError.transient(
            "Jira gives the same page of \(project) again and again")
        }
        (found.issues, found.isLast, found.offset) = (more.issues, more.isLast, more.offset)
        return .found(found)
      }
      // Issues before this place are gone, and the others moved up: back to where one is known, or to the
      // begin.
      guard start > 0 else { return .found(found) }
      start = max(0, start - back)
      back *= 2
    }
  }

  private func list(
    at start: Int, limit: Int, more: Int = 0, _ context: any PageContext
  ) async throws -> Outcome {
    let jql = JQL.issues(ofProject: project, filter: filter, since: since, from: nil)
    let path = api.deployment.path + "/search"
    var page = PageSize(sizes, of: name, limit: limit)
    let response = try await api.send(context) { attempt in
      let count = page.size(for: attempt) + more
      guard jql.utf8.count > 1500 else {
        return APIRequest(
          .get, path,
          query: [
            ("jql", jql), ("startAt", String(start)), ("maxResults", String(count)),
            ("fields", fields.joined(separator: ",")),
          ] + (withChangelog ? [("expand", "changelog")] : []))
      }
      let body =
        "{\"jql\":\(JSONText.quoted(jql)),\"startAt\":\(start),\"maxResults\":\(count),"
        + "\"fields\":[\(fields.map(JSONText.quoted).joined(separator: ","))]"
        + (withChangelog ? ",\"expand\":[\"changelog\"]}" : "}")
      return APIRequest(.post, path, body: Array(body.utf8))
    }
    if response.status == 400 { return .refused(response.message) }
    let answer = try checked(response, "/search")
    page.answered()
    let issues = try JiraAPI.list(answer, "issues", of: "/search")
    let end = start + issues.count
    let isLast = issues.isEmpty || answer["total"].integer.map { end >= $0 } ?? false
    if isLast { sizes.forget(name) }
    return .found(Found(issues: issues, isLast: isLast, offset: end))
  }

  // MARK: -

  private func checked(_ response: APIResponse, _ path: String) throws -> JSONValue {
    // The address of one kind of Jira asked as if it were of the other.
    if response.status == 404 || response.status == 410 {
      let other: JiraDeployment = api.deployment == .cloud ? .dataCenter : .cloud
      throw CursorSourceError.fatal(
        "Jira has no \(api.deployment.path)\(path) at \(api.client.address) (status "
          + "\(response.status)\(response.message.isEmpty ? "" : ": \(response.message)")).",
        remedy: "Check the address. Where it is right, it may be the other kind of Jira: "
          + "deployment: \(other.rawValue)")
    }
    return try api.success(response, path: api.deployment.path + path).json ?? .missing
  }
}
