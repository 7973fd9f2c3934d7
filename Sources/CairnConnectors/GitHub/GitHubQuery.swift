/// The GraphQL texts that GitHub is asked with, for the tables that are wanted.
struct GitHubQuery: Sendable {
  let tables: Set<GitHubTable>
  /// Those of the parts that are wanted.
  let parts: [Part]

  init(tables: Set<GitHubTable>) {
    self.tables = tables
    parts = Part.allCases.filter { tables.contains($0.table) }
  }

  /// What of a pull request has pages of its own.
  enum Part: String, Sendable, CaseIterable {
    case commits, reviews, reviewThreads, closingIssuesReferences

    var table: GitHubTable {
      switch self {
      case .commits: .commits
      case .reviews: .reviews
      case .reviewThreads: .reviewComments
      case .closingIssuesReferences: .linkedIssues
      }
    }

    /// How many of them come with their pull request. More cost nothing but time; most pull requests
    /// have fewer.
    var first: Int {
      switch self {
      case .commits: 50
      case .reviews: 30
      case .reviewThreads: 10
      case .closingIssuesReferences: 10
      }
    }

    var fields: String {
      switch self {
      case .commits: "commit{...Commit}"
      case .reviews: "...Review"
      case .reviewThreads:
        "id isResolved isOutdated resolvedBy{login}"
          + "comments(first:10){pageInfo{hasNextPage endCursor}nodes{...ReviewComment}}"
      case .closingIssuesReferences: "...LinkedIssue"
      }
    }

    /// A page of it.
    func connection(_ arguments: String) -> String {
      "\(rawValue)(\(arguments)){pageInfo{hasNextPage endCursor}nodes{\(fields)}}"
    }
  }

  private static let rateLimit = "rateLimit{cost limit remaining resetAt}"

  // MARK: - Queries

  /// An owner's repositories, in the order they were created. Variables: `login`, `first`, `after`,
  /// `isArchived`, `isFork` (null for both kinds).
  var repositories: String {
    """
    query Repositories($login:String!,$first:Int!,$after:String,$isArchived:Boolean,$isFork:Boolean)\
    {\(Self.rateLimit) repositoryOwner(login:$login){login repositories(first:$first,after:$after,\
    isArchived:$isArchived,isFork:$isFork,ownerAffiliations:[OWNER],\
    orderBy:{field:CREATED_AT,direction:ASC})\
    {pageInfo{hasNextPage endCursor}nodes{...Repository}}}}\(Self.repositoryFragment)
    """
  }

  /// So many repositories by name. Variables: `o0`, `n0` and so on: owner and name.
  func named(_ count: Int) -> String {
    let variables = (0..<count).map { "$o\($0):String!,$n\($0):String!" }.joined(separator: ",")
    let fields = (0..<count).map { "r\($0):repository(owner:$o\($0),name:$n\($0)){...Repository}" }
    return "query NamedRepositories(\(variables)){\(Self.rateLimit) "
      + fields.joined(separator: " ") + "}" + Self.repositoryFragment
  }

  /// A repository's pull requests, with the first pages of what belongs to them. Variables: `owner`,
  /// `name`, `first`, `after`, `direction`.
  var pullRequests: String {
    let connections = parts.map { $0.connection("first:\($0.first)") }.joined(separator: " ")
    return """
      query PullRequests($owner:String!,$name:String!,$first:Int!,$after:String,\
      $direction:OrderDirection!){\(Self.rateLimit) repository(owner:$owner,name:$name)\
      {id nameWithOwner pullRequests(first:$first,after:$after,\
      orderBy:{field:UPDATED_AT,direction:$direction}){pageInfo{hasNextPage endCursor}\
      edges{cursor node{...PullRequest \(connections)}}}}}\
      \(Self.pullRequestFragment)\(fragments(of: parts))
      """
  }

  /// Further pages of what belongs to a pull request. Variables: `id`, `first`, and for each part the
  /// cursor, of the part's name.
  func pages(of parts: [Part]) -> String {
    let variables = parts.map { ",$\($0.rawValue):String" }.joined()
    let connections = parts.map { $0.connection("first:$first,after:$\($0.rawValue)") }
    return """
      query PullRequestParts($id:ID!,$first:Int!\(variables)){\(Self.rateLimit) \
      node(id:$id){... on PullRequest{id \(connections.joined(separator: " "))}}}\
      \(fragments(of: parts))
      """
  }

  /// Further comments of a thread. Variables: `id`, `first`, `after`.
  static let threadComments = """
    query ThreadComments($id:ID!,$first:Int!,$after:String){\(rateLimit) node(id:$id)\
    {... on PullRequestReviewThread{id comments(first:$first,after:$after)\
    {pageInfo{hasNextPage endCursor}nodes{...ReviewComment}}}}}\(reviewCommentFragment)
    """

  /// A repository's issues. Variables: `owner`, `name`, `first`, `after`, `since` (null for all).
  static let issues = """
    query Issues($owner:String!,$name:String!,$first:Int!,$after:String,$since:DateTime)\
    {\(rateLimit) repository(owner:$owner,name:$name){id nameWithOwner \
    issues(first:$first,after:$after,filterBy:{since:$since},\
    orderBy:{field:UPDATED_AT,direction:ASC}){pageInfo{hasNextPage endCursor}\
    edges{cursor node{...Issue}}}}}\(issueFragment)
    """

  /// Whether there are issues or pull requests of the numbers given, the newest, and whether issues can be
  /// seen at all. Variables: `owner`, `name`.
  func numbers(_ numbers: ClosedRange<Int64>) -> String {
    let links =
      tables.contains(.linkedIssues)
      ? " " + Part.closingIssuesReferences.connection("first:20") : ""
    let fields = numbers.map { "n\($0):issueOrPullRequest(number:\($0)){...Numbered}" }
    let newest = "(first:1,orderBy:{field:CREATED_AT,direction:DESC}){nodes{number}}"
    return """
      query Numbers($owner:String!,$name:String!){\(Self.rateLimit) \
      repository(owner:$owner,name:$name){id nameWithOwner hasIssuesEnabled \
      pullRequests\(newest) issues\(newest) \
      \(fields.joined(separator: " "))}}\
      fragment Numbered on IssueOrPullRequest{__typename ... on Issue{number repository{id}}\
      ... on PullRequest{id number repository{id}\(links)}}\
      \(links.isEmpty ? "" : Self.linkedIssueFragment)
      """
  }

  // MARK: - Fragments

  private func fragments(of parts: [Part]) -> String {
    parts.map { part in
      switch part {
      case .commits: Self.commitFragment
      case .reviews: Self.reviewFragment
      case .reviewThreads: Self.reviewCommentFragment
      case .closingIssuesReferences: Self.linkedIssueFragment
      }
    }.joined()
  }

  private static let repositoryFragment = """
    fragment Repository on Repository{id databaseId name nameWithOwner owner{login}description url \
    homepageUrl visibility isPrivate isArchived isFork defaultBranchRef{name}primaryLanguage{name}\
    licenseInfo{spdxId}repositoryTopics(first:100){nodes{topic{name}}}stargazerCount forkCount \
    diskUsage createdAt updatedAt pushedAt}
    """

  private static let pullRequestFragment = """
    fragment PullRequest on PullRequest{id fullDatabaseId number title body state isDraft locked \
    author{login}authorAssociation createdAt updatedAt closedAt mergedAt mergedBy{login}\
    mergeCommit{oid}baseRefName baseRefOid headRefName headRefOid headRepository{nameWithOwner}\
    isCrossRepository additions deletions changedFiles reviewDecision totalCommentsCount \
    milestone{title number}labels(first:100){nodes{name}}assignees(first:20){nodes{login}}url}
    """

  private static let commitFragment = """
    fragment Commit on Commit{oid message messageHeadline authoredDate committedDate \
    author{name email user{login}}committer{name email}additions deletions \
    changedFilesIfAvailable url}
    """

  private static let reviewFragment = """
    fragment Review on PullRequestReview{id fullDatabaseId author{login}authorAssociation state \
    body commit{oid}createdAt submittedAt updatedAt url}
    """

  private static let reviewCommentFragment = """
    fragment ReviewComment on PullRequestReviewComment{id fullDatabaseId author{login}\
    authorAssociation body path line originalLine startLine diffHunk commit{oid}replyTo{id}\
    pullRequestReview{id}createdAt updatedAt url}
    """

  private static let linkedIssueFragment = """
    fragment LinkedIssue on Issue{id number repository{nameWithOwner}}
    """

  private static let issueFragment = """
    fragment Issue on Issue{id fullDatabaseId number title body state stateReason locked \
    author{login}authorAssociation createdAt updatedAt closedAt comments{totalCount}\
    milestone{title number}labels(first:100){nodes{name}}assignees(first:20){nodes{login}}url}
    """
}
