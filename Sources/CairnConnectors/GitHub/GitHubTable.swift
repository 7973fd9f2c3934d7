internal import Cairn

/// The tables that GitHub's records can go to.
public enum GitHubTable: String, Sendable, Hashable, CaseIterable {
  /// Repositories. Always read: they say what else there is.
  case repositories
  /// Pull requests.
  case pullRequests = "pull_requests"
  /// The commits of pull requests; one commit may be in several.
  case commits
  /// Reviews of pull requests.
  case reviews
  /// Comments on lines of pull requests, with their threads.
  case reviewComments = "review_comments"
  /// The issues that a pull request closes.
  case linkedIssues = "pr_linked_issues"
  /// Issues.
  case issues

  /// Those whose rows come with pull requests.
  static let ofPullRequests: Set<GitHubTable> = [
    .pullRequests, .commits, .reviews, .reviewComments, .linkedIssues,
  ]

  private static let parent = RecordTable.Parent(
    table: "pull_requests", columns: ["id": "pull_request_id"])

  /// The table's columns, and where their values are.
  var shape: RecordShape {
    switch self {
    case .repositories: Self.repositoryShape
    case .pullRequests: Self.pullRequestShape
    case .commits: Self.commitShape
    case .reviews: Self.reviewShape
    case .reviewComments: Self.reviewCommentShape
    case .linkedIssues: Self.linkedIssueShape
    case .issues: Self.issueShape
    }
  }

  /// The members of its record that are connections of their own, and not in the record's JSON.
  var connections: Set<String> {
    self == .pullRequests
      ? ["commits", "reviews", "reviewThreads", "closingIssuesReferences"] : []
  }

  private static let repositoryShape = RecordShape(
    "repositories", key: ["id"], version: "updated_at",
    [
      .text("id", "id"), .bigint("database_id", "databaseId"), .text("name", "name"),
      .text("name_with_owner", "nameWithOwner"), .text("owner", "owner", "login"),
      .text("description", "description"), .text("url", "url"),
      .text("homepage_url", "homepageUrl"), .text("visibility", "visibility"),
      .boolean("is_private", "isPrivate"), .boolean("is_archived", "isArchived"),
      .boolean("is_fork", "isFork"), .text("default_branch", "defaultBranchRef", "name"),
      .text("primary_language", "primaryLanguage", "name"),
      .text("license", "licenseInfo", "spdxId"),
      .list("topics", of: ["topic", "name"], at: ["repositoryTopics", "nodes"]),
      .integer("stargazers_count", "stargazerCount"), .integer("forks_count", "forkCount"),
      .integer("disk_usage", "diskUsage"), .instant("created_at", "createdAt"),
      .instant("updated_at", "updatedAt"), .instant("pushed_at", "pushedAt"),
    ])

  // Given: the repository's id and name.
  private static let pullRequestShape = RecordShape(
    "pull_requests", key: ["id"], version: "updated_at",
    [
      .text("id", "id"), .bigint("database_id", "fullDatabaseId"), .given("repository_id", 0),
      .given("repository", 1), .integer("number", "number"), .text("title", "title"),
      .text("body", "body"), .text("state", "state"), .boolean("is_draft", "isDraft"),
      .boolean("locked", "locked"), .text("author", "author", "login"),
      .text("author_association", "authorAssociation"), .instant("created_at", "createdAt"),
      .instant("updated_at", "updatedAt"), .instant("closed_at", "closedAt"),
      .instant("merged_at", "mergedAt"), .text("merged_by", "mergedBy", "login"),
      .text("merge_commit_sha", "mergeCommit", "oid"), .text("base_ref", "baseRefName"),
      .text("base_sha", "baseRefOid"), .text("head_ref", "headRefName"),
      .text("head_sha", "headRefOid"),
      .text("head_repository", "headRepository", "nameWithOwner"),
      .boolean("is_cross_repository", "isCrossRepository"), .integer("additions", "additions"),
      .integer("deletions", "deletions"), .integer("changed_files", "changedFiles"),
      .text("review_decision", "reviewDecision"),
      .integer("comments_count", "totalCommentsCount"), .text("milestone", "milestone", "title"),
      .integer("milestone_number", "milestone", "number"),
      .list("labels", of: ["name"], at: ["labels", "nodes"]),
      .list("assignees", of: ["login"], at: ["assignees", "nodes"]), .text("url", "url"),
    ])

  // Given: the pull request's id and the repository's.
  private static let commitShape = RecordShape(
    "commits", key: ["pull_request_id", "sha"], parent: parent,
    [
      .given("pull_request_id", 0), .text("sha", "commit", "oid"), .given("repository_id", 1),
      .text("message", "commit", "message"),
      .text("message_headline", "commit", "messageHeadline"),
      .instant("authored_at", "commit", "authoredDate"),
      .instant("committed_at", "commit", "committedDate"),
      .text("author_name", "commit", "author", "name"),
      .text("author_email", "commit", "author", "email"),
      .text("author_login", "commit", "author", "user", "login"),
      .text("committer_name", "commit", "committer", "name"),
      .text("committer_email", "commit", "committer", "email"),
      .integer("additions", "commit", "additions"), .integer("deletions", "commit", "deletions"),
      .integer("changed_files", "commit", "changedFilesIfAvailable"),
      .text("url", "commit", "url"),
    ])

  private static let reviewShape = RecordShape(
    "reviews", key: ["id"], version: "updated_at", parent: parent,
    [
      .text("id", "id"), .bigint("database_id", "fullDatabaseId"), .given("pull_request_id", 0),
      .given("repository_id", 1), .text("author", "author", "login"),
      .text("author_association", "authorAssociation"), .text("state", "state"),
      .text("body", "body"), .text("commit_sha", "commit", "oid"),
      .instant("created_at", "createdAt"), .instant("submitted_at", "submittedAt"),
      .instant("updated_at", "updatedAt"), .text("url", "url"),
    ])

  // Given also: the thread's id, whether it is resolved and outdated, and who resolved it.
  private static let reviewCommentShape = RecordShape(
    "review_comments", key: ["id"], version: "updated_at", parent: parent,
    [
      .text("id", "id"), .bigint("database_id", "fullDatabaseId"), .given("pull_request_id", 0),
      .given("repository_id", 1), .text("review_id", "pullRequestReview", "id"),
      .given("thread_id", 2), .given("is_resolved", 3, .boolean),
      .given("is_outdated", 4, .boolean), .given("resolved_by", 5),
      .text("author", "author", "login"), .text("author_association", "authorAssociation"),
      .text("body", "body"), .text("path", "path"), .integer("line", "line"),
      .integer("original_line", "originalLine"), .integer("start_line", "startLine"),
      .text("diff_hunk", "diffHunk"), .text("commit_sha", "commit", "oid"),
      .text("reply_to_id", "replyTo", "id"), .instant("created_at", "createdAt"),
      .instant("updated_at", "updatedAt"), .text("url", "url"),
    ])

  private static let linkedIssueShape = RecordShape(
    "pr_linked_issues", key: ["pull_request_id", "issue_id"], parent: parent,
    [
      .given("pull_request_id", 0), .text("issue_id", "id"), .given("repository_id", 1),
      .integer("issue_number", "number"),
      .text("issue_repository", "repository", "nameWithOwner"),
    ])

  private static let issueShape = RecordShape(
    "issues", key: ["id"], version: "updated_at",
    [
      .text("id", "id"), .bigint("database_id", "fullDatabaseId"), .given("repository_id", 0),
      .given("repository", 1), .integer("number", "number"), .text("title", "title"),
      .text("body", "body"), .text("state", "state"), .text("state_reason", "stateReason"),
      .boolean("locked", "locked"), .text("author", "author", "login"),
      .text("author_association", "authorAssociation"), .instant("created_at", "createdAt"),
      .instant("updated_at", "updatedAt"), .instant("closed_at", "closedAt"),
      .integer("comments_count", "comments", "totalCount"),
      .text("milestone", "milestone", "title"),
      .integer("milestone_number", "milestone", "number"),
      .list("labels", of: ["name"], at: ["labels", "nodes"]),
      .list("assignees", of: ["login"], at: ["assignees", "nodes"]), .text("url", "url"),
    ])
}
