internal import Cairn

/// Discovery: the projects, and beside them the list of fields.
extension JiraSource {
  func projects(_ request: PageRequest) async throws -> Page {
    let start = try ListCursor(request.cursor)
    var page = Page(next: .finished)
    if start.offset == 0 {
      try await api.proveIdentity(request.context)
      page.rows.append(try await fieldRows(request.context))
    }
    let list = try await projectList(start.offset, request)
    var builder = TableRowsBuilder(set.projects)
    for project in list.projects {
      guard let id = project["id"].integer, let key = project["key"].string else { continue }
      add(project, id: id, key: key, to: &builder)
    }
    if builder.rowCount > 0 { page.rows.append(try builder.rows()) }
    page.records = builder.rowCount
    for key in list.keys {
      page.discovered.append(Partition(phase: Phase.issues, name: key))
      if options.development != .none {
        page.discovered.append(
          Partition(
            phase: Phase.development, name: key, isReadWhole: options.development == .all))
      }
      if options.sweepsDeletions {
        page.discovered.append(Partition(phase: Phase.sweep, name: key, isReadWhole: true))
      }
    }
    page.next = list.isLast ? .finished : .after(ListCursor(offset: list.end).text)
    return page
  }

  private struct ProjectList {
    var projects: [JSONValue]
    /// Also those that are named in the job and cannot be read: it is reported of them.
    var keys: [String]
    var end: Int
    var isLast: Bool
  }

  private func projectList(_ start: Int, _ request: PageRequest) async throws -> ProjectList {
    let context = request.context
    guard options.projects.isEmpty else {
      let keys = Array(options.projects.dropFirst(start).prefix(request.limit))
      var projects: [JSONValue] = []
      for key in keys {
        if case .found(let json) = try await project(key, context) { projects.append(json) }
      }
      let end = start + keys.count
      return ProjectList(
        projects: projects, keys: keys, end: end, isLast: end >= options.projects.count)
    }
    let projects: [JSONValue]
    let end: Int
    let isLast: Bool
    switch api.deployment {
    case .cloud:
      let answer = try await api.json(
        "/project/search",
        query: [
          ("startAt", String(start)), ("maxResults", String(min(request.limit, 100))),
          ("orderBy", "key"), ("expand", "description,lead,url"),
        ], context: context)
      projects = try JiraAPI.list(answer, "values", of: "/project/search")
      end = start + projects.count
      isLast =
        projects.isEmpty || answer["isLast"].boolean == true
        || answer["total"].integer.map { end >= $0 } ?? false
    case .dataCenter:
      let answer = try await api.json(
        "/project", query: [("expand", "description,lead,url")], context: context)
      guard answer.isArray else {
        throw CursorSourceError.transient("Jira's answer to /project is not the list of projects")
      }
      projects = answer.elements
      end = projects.count
      isLast = true
    }
    return ProjectList(
      projects: projects, keys: projects.compactMap { $0["key"].string }, end: end, isLast: isLast)
  }

  private func add(
    _ project: JSONValue, id: Int64, key: String, to builder: inout TableRowsBuilder
  ) {
    let lead = JiraPerson(project["lead"])
    builder.beginRow()
    builder.set("id", id)
    builder.set("key", key)
    builder.set("name", project["name"].string)
    builder.set("description", DocumentText.plain(project["description"]))
    builder.set("project_type", project["projectTypeKey"].string)
    builder.set("category", project["projectCategory"]["name"].string)
    builder.set("lead_id", lead.id)
    builder.set("lead_name", lead.name)
    builder.set("style", project["style"].string)
    builder.set("is_private", project["isPrivate"].boolean)
    builder.set("is_archived", project["archived"].boolean)
    builder.set("url", project["url"].string ?? project["self"].string)
    if options.keepsJSON { builder.set(JiraTables.raw, project.text) }
  }

  private func fieldRows(_ context: any PageContext) async throws -> TableRows {
    var builder = TableRowsBuilder(set.fields)
    for field in try await catalog.list(context) {
      guard let id = field["id"].string else { continue }
      builder.beginRow()
      builder.set("id", id)
      builder.set("name", field["name"].string)
      builder.set("is_custom", field["custom"].boolean)
      builder.set("type", field["schema"]["type"].string)
      builder.set("items", field["schema"]["items"].string)
      builder.set("custom_type", field["schema"]["custom"].string)
      if options.keepsJSON { builder.set(JiraTables.raw, field.text) }
    }
    return try builder.rows()
  }
}

/// Where a list goes on that is read by offset, `{"offset":100,"first":"…"}`, or by a cursor of the
/// server's, `{"offset":0,"next":"…"}`.
struct ListCursor: Sendable, Hashable {
  var offset: Int
  /// The first element of the page before: where the next page begins with the same one, the server does
  /// not know offsets.
  var first: String?
  /// The server's own cursor.
  var next: String?

  init(offset: Int, first: String? = nil, next: String? = nil) {
    self.offset = offset
    self.first = first
    self.next = next
  }

  /// Reads a cursor; nil is the begin.
  init(_ text: String?) throws {
    guard let text else {
      self.init(offset: 0)
      return
    }
    guard let value = try? JSONValue(parsing: Array(text.utf8)),
      let offset = value["offset"].integer, offset >= 0
    else { throw CursorSourceError.cursorRefused("'\(text)' is not a cursor of a list") }
    self.init(offset: Int(offset), first: value["first"].string, next: value["next"].string)
  }

  var text: String {
    "{\"offset\":\(offset)" + (first.map { ",\"first\":\(JSONText.quoted($0))" } ?? "")
      + (next.map { ",\"next\":\(JSONText.quoted($0))" } ?? "") + "}"
  }
}
