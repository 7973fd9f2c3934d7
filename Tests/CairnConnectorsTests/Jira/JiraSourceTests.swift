import Cairn
import Testing

@testable import CairnConnectors

@Suite(.serialized, .timeLimit(.minutes(20))) struct JiraSourceTests {
  @Test(arguments: JiraDeployment.allCases)
  func readsEverything(_ deployment: JiraDeployment) async throws {
    let jira = try await Standin.jira()
    let landing = Landing(try jira.source(deployment))
    try await landing.run()
    #expect(try await jira.differences(landing, deployment) == [])
    #expect(landing.passedOver == [:])
    #expect(landing.tables["jira_fields"]?[["customfield_10016"]]?["name"] == "Story Points")
    #expect(landing.records["issues"] == landing.tables["jira_issues"]?.count)
  }

  /// Everything happens while we read: issues change, appear, go, move to other projects. What was missed
  /// behind the place where we were, the next run finds.
  @Test(arguments: JiraDeployment.allCases, ["offset", "keyset"])
  func missesNothingThatChangesMeanwhile(
    _ deployment: JiraDeployment, _ paging: String
  ) async throws {
    for seed in 1...3 {
      let jira = try await Standin.jira(seed: seed, issues: 60)
      let begin = try await self.latest(jira)
      try await jira.tell(
        "settings",
        """
        {"paging":"\(paging)","updates":{"every":2,"seed":\(seed),"times":60,
         "kinds":["touch","grow","create","delete","move"]}}
        """)
      let landing = Landing(try jira.source(deployment))
      landing.limit = 5
      try await landing.run()
      // Now it is quiet; this run begins where the other one began.
      try await jira.tell("settings", #"{"updates":null}"#)
      try await landing.run(since: begin)
      #expect(try await jira.differences(landing, deployment) == [], "seed \(seed)")
    }
  }

  private func latest(_ jira: Standin) async throws -> Int64 {
    let updated = try await jira.told("truth?table=issues")["tables"]["issues"].elements
      .compactMap { $0["updated"].string.flatMap { Instant($0) } }
    return try #require(updated.max()).microseconds * 1000
  }

  /// Only what changed is asked for, though the account's clock is hours from UTC.
  @Test(arguments: JiraDeployment.allCases, JiraDates.allCases)
  func aLaterRunReadsWhatChanged(_ deployment: JiraDeployment, _ dates: JiraDates) async throws {
    for zone in ["America/New_York", "Asia/Tokyo", "Pacific/Kiritimati", "Etc/GMT+12"] {
      let jira = try await Standin.jira(issues: 30, ["--timezone", zone])
      let source = try jira.source(deployment) { $0.dates = dates }
      let landing = Landing(source)
      try await landing.run()
      let all = try #require(landing.records["issues"])
      let since = try await latest(jira)
      try await jira.tell("do", #"{"action":"update","count":10}"#)
      try await landing.run(since: since)
      #expect(try await jira.differences(landing, deployment) == [], "\(zone)")
      let read = try #require(landing.records["issues"]) - all
      #expect(dates == .quoted || (1...12).contains(read), "\(zone): \(read)")
    }
  }

  /// The issues up to which was read go one after the other: the last one, the last two, all of them.
  @Test(arguments: JiraDeployment.allCases, [1, 2, 5, 40])
  func goesOnWhereIssuesWereThatAreGone(
    _ deployment: JiraDeployment, _ gone: Int
  ) async throws {
    let jira = try await Standin.jira(projects: 1, issues: 60)
    let landing = Landing(
      try jira.source(deployment) {
        $0.development = .none
        $0.readsUsers = false
      })
    landing.limit = 7
    let keys = try await jira.told("truth?table=issues")["tables"]["issues"].elements
      .compactMap { $0["key"].string.flatMap(IssueKey.init) }.sorted { $0.number < $1.number }
      .map { "\($0.project)-\($0.number)" }
    var issuePages = 0
    landing.beforePage = { request in
      guard request.partition.phase == "issues" else { return }
      issuePages += 1
      guard issuePages == 7 else { return }
      for key in keys.prefix(42).suffix(gone) {
        // Sub-tasks go with their issues, so that some are gone already.
        _ = try? await jira.tell("do", #"{"action":"delete","issue":"\#(key)"}"#)
      }
    }
    try await landing.run()
    #expect(issuePages > 7)
    #expect(try await jira.differences(landing, deployment, in: ["jira_issues"]) == [])
  }

  @Test(arguments: JiraDeployment.allCases)
  func goesOnWhereAnIssueWasThatMoved(_ deployment: JiraDeployment) async throws {
    let jira = try await Standin.jira(projects: 2, issues: 50)
    let landing = Landing(try jira.source(deployment) { $0.development = .none })
    landing.limit = 10
    var moved = false
    landing.beforePage = { request in
      guard request.partition.phase == "issues", !moved, request.partition.name == "P01",
        let cursor = request.cursor.flatMap(IssueCursor.init(text:)), cursor.offset >= 20
      else { return }
      moved = true
      try await jira.tell(
        "do", #"{"action":"move","issue":"\#(cursor.anchors[0].key)","to":"P02"}"#)
    }
    try await landing.run()
    #expect(moved)
    #expect(try await jira.differences(landing, deployment, in: ["jira_issues"]) == [])
  }

  @Test(arguments: JiraDeployment.allCases)
  func sweepsWhatWasDeleted(_ deployment: JiraDeployment) async throws {
    let jira = try await Standin.jira(issues: 30)
    let landing = Landing(try jira.source(deployment))
    try await landing.run()
    let since = try await latest(jira)
    for _ in 0..<8 { try await jira.tell("do", #"{"action":"delete"}"#) }
    try await jira.tell("do", #"{"action":"move","to":"P02"}"#)
    try await landing.run(since: since)
    #expect(try await jira.differences(landing, deployment) == [])
  }

  /// An index that is being rebuilt finds nothing: no reason to delete everything.
  @Test(arguments: JiraDeployment.allCases)
  func deletesNothingWhileTheIndexIsRebuilt(_ deployment: JiraDeployment) async throws {
    let jira = try await Standin.jira(projects: 2, issues: 12)
    let landing = Landing(try jira.source(deployment))
    try await landing.run()
    #expect(landing.notices == [])
    try await jira.tell("settings", #"{"index":"rebuilding"}"#)
    try await landing.run(since: try await latest(jira))
    #expect(try await jira.differences(landing, deployment) == [])
    #expect(landing.notices.count == 2)
    #expect(landing.notices.first?.contains("P01, so none of its rows were deleted") == true)
    // Once it is there again, what was deleted meanwhile goes.
    try await jira.tell("do", #"{"action":"delete","project":"P01"}"#)
    try await jira.tell("settings", #"{"index":"ready"}"#)
    try await landing.run(since: try await latest(jira))
    #expect(try await jira.differences(landing, deployment) == [])
    #expect(landing.notices.count == 2)
  }

  /// The same in the middle: pages that were swept before stay so, and the rest is not deleted.
  @Test(arguments: JiraDeployment.allCases)
  func deletesNothingWhereTheIndexIsRebuiltMeanwhile(
    _ deployment: JiraDeployment
  ) async throws {
    let jira = try await Standin.jira(projects: 1, issues: 40)
    let source = try jira.source(deployment)
    let landing = Landing(source)
    try await landing.run()
    let keys = try await jira.told("truth?table=issues")["tables"]["issues"].elements
      .compactMap { issue -> IssueCursor.Anchor? in
        guard let id = issue["id"].string.flatMap({ Int64($0) }), let key = issue["key"].string
        else { return nil }
        return IssueCursor.Anchor(key: key, id: id)
      }.sorted { ($0.key.count, $0.key) < ($1.key.count, $1.key) }
    let project = try await jira.told("truth?table=projects")["tables"]["projects"].elements[0]
    let cursor = SweepCursor(
      project: try #require(project["id"].string.flatMap { Int64($0) }),
      issue: try #require(IssueCursor(after: Array(keys.prefix(9)), previous: nil, offset: 9)))
    try await jira.tell("settings", #"{"index":"rebuilding"}"#)
    do {
      let page = try await source.page(
        PageRequest(
          partition: Partition(phase: "sweep", name: "P01", isReadWhole: true),
          cursor: cursor.text, since: nil, limit: 10, context: TestContext()))
      try landing.apply(page)
      #expect(page.notices.count == 1)
    } catch CursorSourceError.cursorRefused {
      // Then it begins anew, as above.
      #expect(deployment == .cloud)
    }
    #expect(try await jira.differences(landing, deployment) == [])
  }

  /// A filter that finds nothing any more is no index that is being rebuilt.
  @Test(arguments: JiraDeployment.allCases)
  func deletesWhatAFilterFindsNoMore(_ deployment: JiraDeployment) async throws {
    let jira = try await Standin.jira(projects: 1, issues: 12)
    let landing = Landing(try jira.source(deployment))
    try await landing.run()
    #expect(landing.tables["jira_issues"]?.isEmpty == false)
    let later = try await latest(jira) / 1_000_000 + 86_400_000
    let page = try await jira.source(deployment) { $0.filter = "updated >= \(later)" }.page(
      PageRequest(
        partition: Partition(phase: "sweep", name: "P01", isReadWhole: true), cursor: nil,
        since: nil, limit: 10, context: TestContext()))
    #expect(page.notices == [])
    try landing.apply(page)
    #expect(landing.tables["jira_issues"] == [:])
  }

  /// An OR in the user's query does not reach out of the project, nor out of what changed.
  @Test(arguments: JiraDeployment.allCases)
  func aFilterNarrowsTheIssues(_ deployment: JiraDeployment) async throws {
    let jira = try await Standin.jira(projects: 2, issues: 40)
    let all = try await jira.told("truth?table=issues")["tables"]["issues"].elements
    let states = Set(all.compactMap { $0["status"].string }).sorted().prefix(2)
    try #require(states.count == 2)
    let source = try jira.source(deployment) {
      $0.filter = "status = \"\(states[0])\" OR status = \"\(states[1])\""
      $0.projects = ["P02"]
    }
    let landing = Landing(source)
    try await landing.run()
    let expected = Set(
      all.filter { $0["project"].string == "P02" && states.contains($0["status"].string ?? "") }
        .compactMap { $0["key"].string })
    #expect(!expected.isEmpty)
    #expect(Set(landing.tables["jira_issues"]?.values.compactMap { $0["key"] } ?? []) == expected)
    let read = try #require(landing.records["issues"])
    try await landing.run(since: try await latest(jira) + 86_400_000_000_000)
    #expect(landing.records["issues"] == read)
  }

  /// A project that cannot be seen is passed over; its issues stay.
  @Test(arguments: JiraDeployment.allCases, ["vanish", "forbid"])
  func passesOverAProject(_ deployment: JiraDeployment, _ how: String) async throws {
    let jira = try await Standin.jira(issues: 20)
    let landing = Landing(
      try jira.source(deployment) { $0.projects = ["P01", "P02", "P03", "NONE"] })
    try await landing.run()
    #expect(landing.passedOver.keys.contains("issues NONE"))
    let before = landing.tables["jira_issues"]?.count
    try await jira.tell("do", #"{"action":"\#(how)","project":"P02"}"#)
    try await landing.run()
    #expect(landing.passedOver["issues P02"]?.contains("P02") == true)
    #expect(landing.passedOver["sweep P02"] != nil)
    #expect(landing.passedOver["issues P01"] == nil)
    #expect(landing.tables["jira_issues"]?.count == before)
  }

  @Test func passesOverDevelopmentWhereItIsNotTold() async throws {
    let jira = try await Standin.jira(issues: 10)
    try await jira.tell("settings", #"{"dev_status":false}"#)
    let landing = Landing(try jira.source(.cloud))
    try await landing.run()
    #expect(landing.passedOver["dev_status P01"]?.contains("404") == true)
    #expect(
      try await jira.differences(
        landing, .cloud, in: ["jira_issues", "jira_changelog", "jira_worklogs"]) == [])
  }

  /// Jira takes wrong credentials for nobody's, to whom all is empty: that is no empty Jira.
  @Test(arguments: JiraDeployment.allCases, ["401", "anonymous"])
  func wrongCredentialsAreFatal(_ deployment: JiraDeployment, _ answer: String) async throws {
    let jira = try await Standin.jira(issues: 5)
    try await jira.tell("settings", #"{"bad_credentials":"\#(answer)"}"#)
    let landing = Landing(
      try jira.source(deployment, credentials: .bearer(Secret("swordfish-123"))))
    await #expect {
      try await landing.run()
    } throws: { error in
      guard case CursorSourceError.fatal(let message, let remedy)? = error as? CursorSourceError
      else { return false }
      return !"\(error) \(message)".contains("swordfish") && remedy.contains("token")
    }
  }

  /// A token that is revoked in the middle does not make projects vanish.
  @Test(arguments: JiraDeployment.allCases, ["401", "anonymous"])
  func aRevokedTokenIsFatal(_ deployment: JiraDeployment, _ answer: String) async throws {
    let jira = try await Standin.jira(issues: 30)
    try await jira.tell("settings", #"{"bad_credentials":"\#(answer)"}"#)
    let landing = Landing(try jira.source(deployment))
    var pages = 0
    landing.beforePage = { request in
      pages += 1
      if pages == 5 { try await jira.tell("do", #"{"action":"revoke","token":"test-token"}"#) }
    }
    await #expect(throws: CursorSourceError.self) { try await landing.run() }
    #expect(landing.passedOver == [:])
  }

  @Test func theOtherKindOfJiraIsNamed() async throws {
    let jira = try await Standin.jira(issues: 5)
    try await jira.tell("settings", #"{"deployment":"cloud"}"#)
    await #expect {
      try await Landing(try jira.source(.dataCenter) { $0.projects = ["P01"] }).run()
    } throws: { error in
      "\(error)".contains("Check the address")
    }
  }

  @Test(arguments: JiraDeployment.allCases)
  func waitsForItsLimit(_ deployment: JiraDeployment) async throws {
    let jira = try await Standin.jira(issues: 10)
    try await jira.tell(
      "settings",
      """
      {"faults":[{"kind":"429","at":[4,9],"retry_after":600},{"kind":"503","at":[6]},
                 {"kind":"cut_body","at":[12]}]}
      """)
    let clock = MovedClock(jira)
    let landing = Landing(try jira.source(deployment, clock: clock))
    landing.context = TestContext(moving: clock)
    try await landing.run()
    #expect(try await jira.differences(landing, deployment) == [])
    #expect(landing.context.waits.count { $0.reason == .retryAfter } == 2)
    #expect(landing.context.waits.contains { if case .retry = $0.reason { true } else { false } })
  }

  /// A page ends in time though its nested pages would take longer.
  @Test func aPageIsCutWhereItIsTime() async throws {
    let jira = try await Standin.jira(projects: 1, issues: 30)
    let landing = Landing(try jira.source(.cloud) { $0.development = .none })
    landing.limit = 100
    landing.context = TestContext(commitIn: .zero)
    try await landing.run()
    let tables = ["jira_issues", "jira_changelog"]
    #expect(try await jira.differences(landing, .cloud, in: tables) == [])
    #expect(landing.pages > 30)
  }

  /// Rows are not without what tells their age, and worklogs not without being asked for.
  @Test func readsTheFieldsThatRowsNeed() async throws {
    let jira = try await Standin.jira(projects: 1, issues: 20)
    let source = try jira.source(.cloud) { $0.fields = ["summary"] }
    #expect(source.wantedFields == ["summary", "project", "updated", "worklog", "timespent"])
    let landing = Landing(source)
    try await landing.run()
    #expect(try await jira.differences(landing, .cloud, in: ["jira_worklogs"]) == [])
    let rows = try #require(landing.tables["jira_issues"]?.values)
    #expect(rows.allSatisfy { $0["updated"] != nil && $0["project_id"] != nil })
    #expect(rows.allSatisfy { $0["status"] == nil })
  }

  /// What follows a cursor does not depend on who asks, or when.
  @Test(arguments: JiraDeployment.allCases)
  func aCursorIsGoodForAnotherProcess(_ deployment: JiraDeployment) async throws {
    let jira = try await Standin.jira(projects: 1, issues: 30)
    let partition = Partition(phase: "issues", name: "P01")
    var cursor: String?
    var keys: [String?] = []
    repeat {
      let page = try await jira.source(deployment).page(
        PageRequest(
          partition: partition, cursor: cursor, since: nil, limit: 7, context: TestContext()))
      keys += try cells(try #require(page.rows.first), "number")
      cursor = if case .after(let text) = page.next { text } else { nil }
    } while cursor != nil
    let numbers = keys.compactMap { $0.flatMap { Int($0) } }
    #expect(numbers == numbers.sorted())
    #expect(Set(numbers).count == numbers.count)
    #expect(
      try await jira.told("truth?table=issues")["tables"]["issues"].elements.count == numbers.count)
  }

  @Test func aCursorThatIsNoneIsRefused() async throws {
    let jira = try await Standin.jira(issues: 5)
    let source = try jira.source(.cloud)
    for phase in ["issues", "dev_status", "users", "sweep", "project_discovery"] {
      await #expect(throws: CursorSourceError.self) {
        try await source.page(
          PageRequest(
            partition: Partition(phase: phase, name: "P01"), cursor: "100", since: nil, limit: 7,
            context: TestContext()))
      }
    }
  }

  @Test func theScopeHasNoSecret() throws {
    let source = JiraSource(
      address: try APIAddress("https://example.atlassian.net"),
      credentials: .basic(user: "bot@example.com", password: Secret("swordfish")),
      options: JiraOptions(filter: "labels = a"))
    #expect(
      source.scope
        == "Jira at https://example.atlassian.net, where labels = a, fields *all, changelog, worklogs"
    )
    #expect(!"\(source) \(String(reflecting: source))".contains("swordfish"))
    #expect(source.phases == ["project_discovery", "issues", "dev_status", "users"])
    #expect(source.recovery == .restart)
  }

  @Test(arguments: [
    ("https://example.atlassian.net", JiraDeployment.cloud),
    ("https://api.atlassian.com/ex/jira/0", .cloud), ("https://jira.example.com/jira", .dataCenter),
    ("http://127.0.0.1:8080", .dataCenter), ("https://atlassian.net.example.com", .dataCenter),
  ])
  func tellsTheKindByTheAddress(_ address: String, _ expected: JiraDeployment) throws {
    #expect(JiraDeployment(of: try APIAddress(address)) == expected)
  }
}
