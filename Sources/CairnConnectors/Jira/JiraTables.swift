internal import Cairn

/// The tables that Jira's records go to.
struct JiraTables {
  let projects: RecordTable
  let fields: RecordTable
  let issues: RecordTable
  let changelog: RecordTable
  let worklogs: RecordTable
  let development: RecordTable
  let users: RecordTable

  /// The column that keeps a record as it was received.
  static let raw = "raw"

  /// - Parameter keepsJSON: Whether there is such a column.
  init(keepsJSON: Bool) {
    func table(
      _ name: String, key: [String], _ columns: [(String, ColumnType)], version: String? = nil,
      ofIssue: Bool = false, hasJSON: Bool = true
    ) -> RecordTable {
      let all = columns + (keepsJSON && hasJSON ? [(Self.raw, .json)] : [])
      return RecordTable(
        name,
        columns: all.map {
          TargetColumn(name: $0.0, type: $0.1, isRequired: key.contains($0.0))
        },
        key: key, version: version,
        parent: ofIssue ? .init(table: "jira_issues", columns: ["id": "issue_id"]) : nil)
    }

    projects = table(
      "jira_projects", key: ["id"],
      [
        ("id", .bigint), ("key", .text), ("name", .text), ("description", .text),
        ("project_type", .text), ("category", .text), ("lead_id", .text), ("lead_name", .text),
        ("style", .text), ("is_private", .boolean), ("is_archived", .boolean), ("url", .text),
      ])
    fields = table(
      "jira_fields", key: ["id"],
      [
        ("id", .text), ("name", .text), ("is_custom", .boolean), ("type", .text), ("items", .text),
        ("custom_type", .text),
      ])
    issues = table(
      "jira_issues", key: ["id"],
      [
        ("id", .bigint), ("key", .text), ("number", .bigint), ("project_id", .bigint),
        ("project_key", .text), ("summary", .text), ("description", .text),
        ("description_adf", .json), ("environment", .text), ("issue_type_id", .bigint),
        ("issue_type", .text), ("is_subtask", .boolean), ("status_id", .bigint), ("status", .text),
        ("status_category", .text), ("status_category_changed", .timestamptz),
        ("priority_id", .bigint), ("priority", .text), ("resolution", .text),
        ("security_level", .text), ("assignee_id", .text), ("assignee_name", .text),
        ("reporter_id", .text), ("reporter_name", .text), ("creator_id", .text),
        ("creator_name", .text), ("labels", .json), ("components", .json),
        ("fix_versions", .json), ("affected_versions", .json), ("parent_id", .bigint),
        ("parent_key", .text), ("subtasks", .json), ("links", .json), ("created", .timestamptz),
        ("updated", .timestamptz), ("resolved", .timestamptz), ("due", .date),
        ("original_estimate_seconds", .bigint), ("remaining_estimate_seconds", .bigint),
        ("time_spent_seconds", .bigint), ("votes", .bigint), ("watchers", .bigint),
      ], version: "updated")
    changelog = table(
      "jira_changelog", key: ["issue_id", "history_id", "item"],
      [
        ("issue_id", .bigint), ("history_id", .bigint), ("item", .integer),
        ("created", .timestamptz), ("author_id", .text), ("author_name", .text), ("field", .text),
        ("field_id", .text), ("field_type", .text), ("from_value", .text), ("from_text", .text),
        ("to_value", .text), ("to_text", .text),
      ], ofIssue: true, hasJSON: false)
    worklogs = table(
      "jira_worklogs", key: ["issue_id", "id"],
      [
        ("issue_id", .bigint), ("id", .bigint), ("author_id", .text), ("author_name", .text),
        ("update_author_id", .text), ("created", .timestamptz), ("updated", .timestamptz),
        ("started", .timestamptz), ("time_spent_seconds", .bigint), ("comment", .text),
        ("comment_adf", .json),
      ], ofIssue: true)
    development = table(
      "jira_dev_status", key: ["issue_id", "type", "url"],
      [
        ("issue_id", .bigint), ("type", .text), ("url", .text), ("id", .text), ("name", .text),
        ("status", .text), ("author_name", .text), ("repository", .text), ("repository_url", .text),
        ("source_branch", .text), ("target_branch", .text), ("updated", .timestamptz),
        ("application", .text),
      ], ofIssue: true)
    users = table(
      "jira_users", key: ["id"],
      [
        ("id", .text), ("name", .text), ("display_name", .text), ("email_address", .text),
        ("is_active", .boolean), ("account_type", .text), ("time_zone", .text), ("locale", .text),
      ])
  }
}
