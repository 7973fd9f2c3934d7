internal import Cairn

/// Users, also those who are not active.
extension JiraSource {
  /// The most that Jira gives at once.
  private static let mostUsers = 1000

  func users(_ request: PageRequest) async throws -> Page {
    let start = try ListCursor(request.cursor)
    // Since Jira 10 a search for users ends with the hundredth, and there is a list of all instead.
    if api.deployment == .dataCenter, api.isAuthenticated, start.offset == 0,
      let page = try await userList(start.next, request)
    {
      return page
    }
    let path: String
    var query = [
      ("startAt", String(start.offset)), ("maxResults", String(min(request.limit, Self.mostUsers))),
    ]
    switch api.deployment {
    case .cloud: path = "/users/search"
    case .dataCenter:
      path = "/user/search"
      // A dot finds all.
      query = [("username", "."), ("includeInactive", "true")] + query
    }
    let response = try await api.answer(
      path, query: query.map { (name: $0.0, value: $0.1) }, context: request.context)
    if response.status == 403 {
      return Page(
        next: .passedOver(
          reason: "the account may not list users; that takes the permission to browse users and "
            + "groups"))
    }
    let answer = try api.success(response, path: path).json ?? .missing
    guard answer.isArray else {
      throw CursorSourceError.transient("Jira's answer to \(path) is not a list of users")
    }
    let users = answer.elements
    let first = users.first.flatMap { JiraPerson($0).id }
    // There is no other mark of the end than a page without users: a page may have fewer than were asked
    // for, and none is left out (what somebody does not show is left out of the user instead).
    guard !users.isEmpty, start.first == nil || first != start.first else {
      // The hundred of Jira 10, whose list was not to be had.
      let isCut = api.deployment == .dataCenter && start.offset == 100
      return Page(
        next: .finished,
        notices: isCut
          ? ["Jira tells of 100 users, which is all that some versions tell; there may be more"]
          : [])
    }
    return try page(
      of: users, next: .after(ListCursor(offset: start.offset + users.count, first: first).text))
  }

  /// A page of Data Center's list of all users; nil where there is no such list.
  private func userList(_ cursor: String?, _ request: PageRequest) async throws -> Page? {
    let path = "/user/list"
    let query =
      [("maxResults", String(min(request.limit, Self.mostUsers)))]
      + (cursor.map { [("cursor", $0)] } ?? [])
    let response = try await api.answer(
      path, query: query.map { (name: $0.0, value: $0.1) }, context: request.context)
    if [403, 404, 405].contains(response.status) { return nil }
    let answer = try api.success(response, path: path).json ?? .missing
    let users = try JiraAPI.list(answer, "values", of: path)
    let next = answer["nextCursor"].string ?? answer["nextCursor"].integer.map(String.init)
    guard answer["isLast"].boolean != true, let next else {
      return try page(of: users, next: .finished)
    }
    guard next != cursor else {
      throw CursorSourceError.transient("Jira gives the same page of \(path) again and again")
    }
    return try page(of: users, next: .after(ListCursor(offset: 0, next: next).text))
  }

  private func page(of users: [JSONValue], next: Page.Next) throws -> Page {
    var builder = TableRowsBuilder(set.users)
    for user in users {
      guard let id = JiraPerson(user).id else { continue }
      builder.beginRow()
      builder.set("id", id)
      builder.set("name", user["name"].string)
      builder.set("display_name", user["displayName"].string)
      builder.set("email_address", user["emailAddress"].string)
      builder.set("is_active", user["active"].boolean)
      builder.set("account_type", user["accountType"].string)
      builder.set("time_zone", user["timeZone"].string)
      builder.set("locale", user["locale"].string)
      if options.keepsJSON { builder.set(JiraTables.raw, user.text) }
    }
    return Page(
      rows: builder.rowCount > 0 ? [try builder.rows()] : [], next: next,
      records: builder.rowCount)
  }
}
