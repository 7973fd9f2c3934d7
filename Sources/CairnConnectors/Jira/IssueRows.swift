internal import Cairn

/// Rows of a page of issues and what belongs to them.
struct IssueRows {
  private let keepsJSON: Bool
  private let fields: [String: CustomField]
  private var issues: TableRowsBuilder
  private var changelog: TableRowsBuilder
  private var worklogs: TableRowsBuilder
  /// Issues whose worklogs are all here.
  private var withWorklogs: [Int64] = []

  /// - Parameter fields: The custom fields by their ids.
  init(_ tables: JiraTables, keepsJSON: Bool, fields: [String: CustomField]) {
    self.keepsJSON = keepsJSON
    self.fields = fields
    issues = TableRowsBuilder(tables.issues)
    changelog = TableRowsBuilder(tables.changelog)
    worklogs = TableRowsBuilder(tables.worklogs)
  }

  /// How many issues there are.
  var count: Int { issues.rowCount }

  mutating func add(issue: JSONValue, id: Int64, key: String) {
    let fields = issue["fields"]
    issues.beginRow()
    issues.set("id", id)
    issues.set("key", key)
    issues.set("number", IssueKey(key)?.number)
    issues.set("project_id", fields["project"]["id"].integer)
    issues.set("project_key", fields["project"]["key"].string ?? IssueKey(key)?.project)
    issues.set("summary", fields["summary"].string)
    issues.set("description", DocumentText.plain(fields["description"]))
    issues.set("description_adf", DocumentText.document(fields["description"]))
    issues.set("environment", DocumentText.plain(fields["environment"]))
    issues.set("issue_type_id", fields["issuetype"]["id"].integer)
    issues.set("issue_type", fields["issuetype"]["name"].string)
    issues.set("is_subtask", fields["issuetype"]["subtask"].boolean)
    issues.set("status_id", fields["status"]["id"].integer)
    issues.set("status", fields["status"]["name"].string)
    issues.set("status_category", fields["status"]["statusCategory"]["key"].string)
    issues.set("status_category_changed", Self.instant(fields["statuscategorychangedate"]))
    issues.set("priority_id", fields["priority"]["id"].integer)
    issues.set("priority", fields["priority"]["name"].string)
    issues.set("resolution", fields["resolution"]["name"].string)
    issues.set("security_level", fields["security"]["name"].string)
    for who in ["assignee", "reporter", "creator"] {
      let person = JiraPerson(fields[who])
      issues.set("\(who)_id", person.id)
      issues.set("\(who)_name", person.name)
    }
    issues.set("labels", Self.list(fields["labels"]) { $0 })
    issues.set("components", Self.list(fields["components"]) { $0["name"] })
    issues.set("fix_versions", Self.list(fields["fixVersions"]) { $0["name"] })
    issues.set("affected_versions", Self.list(fields["versions"]) { $0["name"] })
    issues.set("parent_id", fields["parent"]["id"].integer)
    issues.set("parent_key", fields["parent"]["key"].string)
    issues.set("subtasks", Self.list(fields["subtasks"]) { $0["key"] })
    issues.set("links", Self.links(fields["issuelinks"]))
    issues.set("created", Self.instant(fields["created"]))
    issues.set("updated", Self.instant(fields["updated"]))
    issues.set("resolved", Self.instant(fields["resolutiondate"]))
    issues.set(
      "due", fields["duedate"].string.flatMap { LocalDate($0) }.map { .date($0.days) })
    issues.set("original_estimate_seconds", fields["timeoriginalestimate"].integer)
    issues.set("remaining_estimate_seconds", fields["timeestimate"].integer)
    issues.set("time_spent_seconds", fields["timespent"].integer)
    issues.set("votes", fields["votes"]["votes"].integer)
    issues.set("watchers", fields["watches"]["watchCount"].integer)
    for member in fields.members where CustomField.isOne(member.name) {
      let field = self.fields[member.name] ?? CustomField(schema: .missing)
      issues.set(member.name, type: field.type, field.cell(member.value))
    }
    if keepsJSON { issues.set(JiraTables.raw, issue.text) }
  }

  /// Adds the histories of an issue; each is a row for every field that changed.
  mutating func add(histories: [JSONValue], of issue: Int64) {
    for history in histories {
      guard let id = history["id"].integer else { continue }
      let author = JiraPerson(history["author"])
      let created = Self.instant(history["created"])
      for (position, item) in history["items"].elements.enumerated() {
        changelog.beginRow()
        changelog.set("issue_id", issue)
        changelog.set("history_id", id)
        changelog.set("item", .integer(Int32(clamping: position)))
        changelog.set("created", created)
        changelog.set("author_id", author.id)
        changelog.set("author_name", author.name)
        changelog.set("field", item["field"].string)
        changelog.set("field_id", item["fieldId"].string)
        changelog.set("field_type", item["fieldtype"].string)
        changelog.set("from_value", item["from"].string)
        changelog.set("from_text", item["fromString"].string)
        changelog.set("to_value", item["to"].string)
        changelog.set("to_text", item["toString"].string)
      }
    }
  }

  /// Adds all worklogs of an issue.
  mutating func add(worklogs list: [JSONValue], of issue: Int64) {
    withWorklogs.append(issue)
    for worklog in list {
      guard let id = worklog["id"].integer else { continue }
      let author = JiraPerson(worklog["author"])
      worklogs.beginRow()
      worklogs.set("issue_id", issue)
      worklogs.set("id", id)
      worklogs.set("author_id", author.id)
      worklogs.set("author_name", author.name)
      worklogs.set("update_author_id", JiraPerson(worklog["updateAuthor"]).id)
      worklogs.set("created", Self.instant(worklog["created"]))
      worklogs.set("updated", Self.instant(worklog["updated"]))
      worklogs.set("started", Self.instant(worklog["started"]))
      worklogs.set("time_spent_seconds", worklog["timeSpentSeconds"].integer)
      worklogs.set("comment", DocumentText.plain(worklog["comment"]))
      worklogs.set("comment_adf", DocumentText.document(worklog["comment"]))
      if keepsJSON { worklogs.set(JiraTables.raw, worklog.text) }
    }
  }

  /// The rows of all tables that have any.
  func rows() throws(RecordBatchError) -> [TableRows] {
    var rows: [TableRows] = []
    for builder in [issues, changelog, worklogs] where builder.rowCount > 0 {
      rows.append(try builder.rows())
    }
    return rows
  }

  /// Worklogs that are gone are found by those that are there.
  func replacedChildren() throws(RecordBatchError) -> [ReplacedChildren] {
    guard !withWorklogs.isEmpty else { return [] }
    return [
      ReplacedChildren(
        table: "jira_worklogs", parent: "issue_id",
        values: try RecordBatch(columns: [
          Column(name: "issue_id", type: .bigint, values: .bigint(withWorklogs))
        ]))
    ]
  }

  static func instant(_ value: JSONValue) -> Instant? { value.string.flatMap { Instant($0) } }

  /// A text of each element, as a JSON list.
  private static func list(_ list: JSONValue, _ text: (JSONValue) -> JSONValue) -> String? {
    guard list.isArray else { return nil }
    let texts = list.elements.compactMap { text($0).string.map(JSONText.quoted) }
    return "[" + texts.joined(separator: ",") + "]"
  }

  /// `[{"type":"Blocks","direction":"outward","id":10002,"key":"P-2"}]`
  private static func links(_ list: JSONValue) -> String? {
    guard list.isArray else { return nil }
    var links: [String] = []
    for link in list.elements {
      let direction = link["outwardIssue"].isObject ? "outward" : "inward"
      let other = link["\(direction)Issue"]
      guard let type = link["type"]["name"].string, let key = other["key"].string else { continue }
      links.append(
        "{\"type\":\(JSONText.quoted(type)),\"direction\":\"\(direction)\","
          + "\"id\":\(other["id"].integer.map(String.init) ?? "null"),"
          + "\"key\":\(JSONText.quoted(key))}")
    }
    return "[" + links.joined(separator: ",") + "]"
  }
}
