import CairnTesting

@testable import CairnConnectors

/// What the stand-in knows, as rows of the connector's tables: by it a target is judged.
struct GitHubTruth {
  /// Column, and the truth's member.
  private static let columns: [String: [(column: String, member: String)]] = [
    "repositories": [
      ("id", "id"), ("name", "name"), ("name_with_owner", "nameWithOwner"), ("owner", "owner"),
      ("description", "description"), ("url", "url"), ("homepage_url", "homepageUrl"),
      ("is_private", "isPrivate"), ("is_archived", "isArchived"), ("is_fork", "isFork"),
      ("default_branch", "defaultBranch"), ("primary_language", "primaryLanguage"),
      ("license", "license"), ("topics", "topics"), ("stargazers_count", "stargazerCount"),
      ("forks_count", "forkCount"), ("disk_usage", "diskUsage"), ("created_at", "createdAt"),
      ("updated_at", "updatedAt"), ("pushed_at", "pushedAt"),
    ],
    "pull_requests": [
      ("id", "id"), ("database_id", "fullDatabaseId"), ("repository_id", "repository"),
      ("number", "number"), ("title", "title"), ("body", "body"), ("state", "state"),
      ("is_draft", "isDraft"), ("locked", "locked"), ("author", "author"),
      ("author_association", "authorAssociation"), ("created_at", "createdAt"),
      ("updated_at", "updatedAt"), ("closed_at", "closedAt"), ("merged_at", "mergedAt"),
      ("merged_by", "mergedBy"), ("merge_commit_sha", "mergeCommit"), ("base_ref", "baseRefName"),
      ("base_sha", "baseRefOid"), ("head_ref", "headRefName"), ("head_sha", "headRefOid"),
      ("additions", "additions"), ("deletions", "deletions"), ("changed_files", "changedFiles"),
      ("milestone", "milestone"), ("labels", "labels"), ("assignees", "assignees"), ("url", "url"),
    ],
    "commits": [
      ("pull_request_id", "pullRequest"), ("sha", "oid"), ("message", "message"),
      ("message_headline", "messageHeadline"), ("authored_at", "authoredDate"),
      ("committed_at", "committedDate"), ("author_name", "authorName"),
      ("author_email", "authorEmail"), ("additions", "additions"), ("deletions", "deletions"),
      ("changed_files", "changedFiles"),
    ],
    "reviews": [
      ("id", "id"), ("database_id", "fullDatabaseId"), ("pull_request_id", "pullRequest"),
      ("author", "author"), ("author_association", "authorAssociation"), ("state", "state"),
      ("body", "body"), ("commit_sha", "commit"), ("created_at", "createdAt"),
      ("submitted_at", "submittedAt"), ("updated_at", "updatedAt"), ("url", "url"),
    ],
    "review_comments": [
      ("id", "id"), ("database_id", "fullDatabaseId"), ("pull_request_id", "pullRequest"),
      ("review_id", "review"), ("thread_id", "thread"), ("author", "author"),
      ("author_association", "authorAssociation"), ("body", "body"), ("path", "path"),
      ("line", "line"), ("diff_hunk", "diffHunk"), ("reply_to_id", "replyTo"),
      ("created_at", "createdAt"), ("updated_at", "updatedAt"), ("url", "url"),
    ],
    "pr_linked_issues": [
      ("pull_request_id", "pullRequest"), ("issue_id", "issue"), ("issue_number", "number"),
    ],
    "issues": [
      ("id", "id"), ("database_id", "fullDatabaseId"), ("repository_id", "repository"),
      ("number", "number"), ("title", "title"), ("body", "body"), ("state", "state"),
      ("state_reason", "stateReason"), ("locked", "locked"), ("author", "author"),
      ("author_association", "authorAssociation"), ("created_at", "createdAt"),
      ("updated_at", "updatedAt"), ("closed_at", "closedAt"), ("milestone", "milestone"),
      ("labels", "labels"), ("assignees", "assignees"), ("url", "url"),
    ],
  ]

  /// Rows by table, each as its values in the order of the columns.
  let rows: [String: Set<[String]>]

  /// What a stand-in knows now.
  init(_ standin: Standin) async throws {
    let tables = try await standin.told("truth?accessible=true")["tables"]
    var rows: [String: Set<[String]>] = [:]
    for (table, columns) in Self.columns {
      let name = table == "pr_linked_issues" ? "linked_issues" : table
      let known = tables[name].elements.filter {
        $0["state"].string != "forbidden" || name != "repositories"
      }
      rows[table] = Set(known.map { row in columns.map { Self.text(row[$0.member]) } })
    }
    // A thread's own columns are in those of its comments here.
    self.rows = rows
  }

  private static func text(_ value: JSONValue) -> String {
    if value.isNull { return "∅" }
    if value.isArray { return value.elements.compactMap(\.string).sorted().joined(separator: "|") }
    return value.string ?? value.text ?? "∅"
  }

  /// How a target differs from it; the first few of each table, in words.
  func differences(_ target: MemoryTarget, tables: [String]? = nil) throws -> [String] {
    try differences(tables: tables) { target.all($0) }
  }

  /// How rows differ from it.
  ///
  /// - Parameter rows: The rows of a table, as texts by column; nulls are left out.
  func differences(
    tables: [String]? = nil, _ rowsOf: (String) throws -> [[String: String]]
  ) throws -> [String] {
    var differences: [String] = []
    for (table, columns) in Self.columns where tables?.contains(table) ?? true {
      let found = Set(
        try rowsOf(table).map { row in
          try columns.map { column, _ in
            guard column == "labels" || column == "assignees" || column == "topics" else {
              return row[column] ?? "∅"
            }
            return Self.text(try JSONValue(parsing: Array((row[column] ?? "[]").utf8)))
          }
        })
      let known = rows[table] ?? []
      for row in known.subtracting(found).prefix(3) {
        differences.append("\(table) lacks \(row.joined(separator: ", ").prefix(300))")
      }
      for row in found.subtracting(known).prefix(3) {
        differences.append("\(table) has \(row.joined(separator: ", ").prefix(300))")
      }
    }
    return differences.sorted()
  }
}
