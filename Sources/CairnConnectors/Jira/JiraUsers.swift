internal import Cairn

/// Users, also those who are not active.
extension JiraSource {
  func users(_ request: PageRequest) async throws -> Page {
    let start = try ListCursor(request.cursor)
    let path: String
    var query = [("startAt", String(start.offset)), ("maxResults", String(request.limit))]
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
    let users = try api.success(response, path: path).json?.elements ?? []
    let first = users.first.flatMap { JiraPerson($0).id }
    guard !users.isEmpty, start.first == nil || first != start.first else {
      return Page(next: .finished)
    }
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
    // Whom the account may not see is left out of a page; so a short page is not the last one.
    return Page(
      rows: builder.rowCount > 0 ? [try builder.rows()] : [],
      next: .after(ListCursor(offset: start.offset + request.limit, first: first).text),
      records: builder.rowCount)
  }
}
