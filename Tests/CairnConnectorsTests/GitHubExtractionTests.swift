import Cairn
import CairnTesting
import Testing

@testable import CairnConnectors

/// The source against the stand-in: what a target holds in the end is what GitHub knows.
@Suite(.serialized) struct GitHubExtractionTests {
  private func source(
    _ standin: Standin, token: String = "test-token", retry: RetryPolicy = quick,
    clock: MovedClock? = nil, _ change: (inout GitHubOptions) -> Void = { _ in }
  ) throws -> GitHubSource {
    var options = GitHubOptions(credentials: .bearer(Secret(token)), owners: ["octo"])
    options.address = try APIAddress(standin.url)
    change(&options)
    return try GitHubSource(
      options, environment: CursorSourceEnvironment(run: clock?.environment ?? .live, retry: retry))
  }

  private static let quick = RetryPolicy(
    attempts: 6, minimumBackoff: .milliseconds(1), maximumBackoff: .milliseconds(2))

  @Test func readsAll() async throws {
    let standin = try await Standin.gitHub()
    let source = try source(standin)
    var target = MemoryTarget(source.tables)
    let context = TestContext()
    let outcome = try await PlainDriver(source: source, limit: 5).run(
      into: &target, context: context)
    #expect(try await GitHubTruth(standin).differences(target) == [])
    #expect(outcome.passedOver == [:])
    #expect(target.repeatedKeys == 0)
    // Every page once, and every request counted.
    let counts = try await standin.told("counts")
    #expect(counts["repeated"].elements.isEmpty)
    #expect(counts["requests"].integer == Int64(context.requests))
    #expect(context.limit != nil)
    #expect(context.clock != nil)
  }

  /// A program's own waits and fields do not matter to what lands: only the tables wanted do.
  @Test func readsWantedTablesOnly() async throws {
    let standin = try await Standin.gitHub()
    let source = try source(standin) { $0.tables = [.issues] }
    #expect(source.tables.map(\.name) == ["repositories", "issues"])
    #expect(source.phases == ["repository_discovery", "issue_extraction"])
    var target = MemoryTarget(source.tables)
    _ = try await PlainDriver(source: source).run(into: &target)
    #expect(
      try await GitHubTruth(standin).differences(target, tables: ["repositories", "issues"]) == [])
    let pages = try await standin.told("counts")["pages"].members.map(\.name)
    #expect(!pages.contains { $0.contains("pullRequests") })
  }

  @Test func readsListedRepositories() async throws {
    let standin = try await Standin.gitHub()
    let source = try source(standin) {
      $0.owners = []
      $0.repositories = ["octo/repo-0001", "octo/none-such"]
    }
    var target = MemoryTarget(source.tables)
    let outcome = try await PlainDriver(source: source).run(into: &target)
    #expect(target.all("repositories").map { $0["name"] } == ["repo-0001"])
    #expect(target.all("pull_requests").count == 12)
    #expect(outcome.passedOver.keys.sorted() == ["octo/none-such"])
    #expect(outcome.passedOver["octo/none-such"]?.contains("none-such") == true)
  }

  @Test func keepsTheRecordsJSON() async throws {
    let standin = try await Standin.gitHub(repositories: 1, pullRequests: 3, issues: 2)
    let source = try source(standin) { $0.keepsJSON = true }
    var target = MemoryTarget(source.tables)
    _ = try await PlainDriver(source: source).run(into: &target)
    let rows = target.all("pull_requests")
    #expect(rows.count == 3)
    for row in rows {
      let raw = try JSONValue(parsing: Array((row["raw"] ?? "").utf8))
      #expect(raw["title"].string == row["title"])
      // What has tables of its own is not in it.
      #expect(raw["commits"].isMissing)
      #expect(!raw["labels"].isMissing)
    }
    #expect(target.all("reviews").allSatisfy { $0["raw"] != nil })
  }

  /// Faults of every kind in between, and a page that is always too heavy at first.
  @Test func outlastsFaults() async throws {
    let standin = try await Standin.gitHub()
    try await standin.tell(
      "settings",
      """
      {"random_faults": {"seed": 3, "rate": 0.25, "kinds": ["502", "503", "cut_body", "cut_headers", \
      "refuse", "garbage", "truncated_json"]}, "heavy": {"nodes": 900, "kind": "502"}}
      """)
    let source = try source(
      standin,
      retry: RetryPolicy(
        attempts: 12, minimumBackoff: .milliseconds(1), maximumBackoff: .milliseconds(2)))
    var target = MemoryTarget(source.tables)
    let context = TestContext()
    _ = try await PlainDriver(source: source).run(into: &target, context: context)
    #expect(try await GitHubTruth(standin).differences(target) == [])
    let faults = try await standin.told("counts")["faults"].members
    #expect(faults.count > 4, "\(faults)")
    #expect(context.waits.contains { if case .retry = $0.reason { true } else { false } })
  }

  /// Somebody else uses the budget up; GitHub refuses, in one of its ways.
  @Test(arguments: ["RATE_LIMITED", "RATE_LIMIT", "403", "429"])
  func waitsForThePrimaryLimit(form: String) async throws {
    let standin = try await Standin.gitHub(repositories: 1, pullRequests: 6, issues: 3)
    // A token of its own: the budget is that of the process.
    try await standin.tell("settings", "{\"tokens\": [\"limited-\(form)\"]}")
    let clock = MovedClock(standin)
    let source = try source(standin, token: "limited-\(form)", clock: clock)
    var target = MemoryTarget(source.tables)
    let context = TestContext(moving: clock)
    var driver = PlainDriver(source: source, limit: 2)
    var isUsedUp = false
    driver.afterPage = { _, _ in
      guard !isUsedUp else { return }
      isUsedUp = true
      try await standin.tell(
        "settings",
        """
        {"rate_limit": {"limit": 5000, "remaining": 0, "reset_in": 3600, "form": "\(form)"}}
        """)
    }
    let outcome = try await driver.run(into: &target, context: context)
    #expect(outcome.passedOver == [:])
    #expect(try await GitHubTruth(standin).differences(target) == [])
    #expect(try await standin.told("counts")["faults"]["rate_limited"].integer == 1)
    #expect(context.waits.map(\.reason) == [.rateLimit(remaining: 0)])
  }

  /// What GitHub said is left is not overrun: it never has to refuse.
  @Test func waitsBeforeThePrimaryLimitIsMet() async throws {
    let standin = try await Standin.gitHub(repositories: 1, pullRequests: 6, issues: 3)
    try await standin.tell("settings", "{\"tokens\": [\"frugal\"]}")
    try await standin.tell(
      "settings", "{\"rate_limit\": {\"limit\": 5000, \"remaining\": 4, \"reset_in\": 3600}}")
    let clock = MovedClock(standin)
    let source = try source(standin, token: "frugal", clock: clock)
    var target = MemoryTarget(source.tables)
    let context = TestContext(moving: clock)
    _ = try await PlainDriver(source: source, limit: 2).run(into: &target, context: context)
    #expect(try await GitHubTruth(standin).differences(target) == [])
    #expect(try await standin.told("counts")["faults"]["rate_limited"].isMissing)
    #expect(context.waits.count == 1)
    #expect(context.waits.first?.reason == .rateLimit(remaining: 0))
  }

  /// GitHub tells the budget in the answer, too: it counts where no header tells it.
  @Test func readsTheBudgetOfTheAnswer() async throws {
    let begin = ScriptedTransport.begin / 1_000_000_000
    let budget =
      #""rateLimit":{"cost":1,"limit":5000,"remaining":0,"resetAt":"2025-01-16T10:20:00Z"}"#
    let script = ScriptedTransport(
      .answer(
        200, [],
        #"{"data":{\#(budget),"repository":{"id":"R_1","nameWithOwner":"octo/a","#
          + #""issues":{"edges":[],"nodes":[],"pageInfo":{"hasNextPage":true,"endCursor":"c"}}}}}"#),
      .answer(
        200,
        [
          ("X-RateLimit-Limit", "5000"), ("X-RateLimit-Remaining", "4999"),
          ("X-RateLimit-Reset", "\(begin + 7200)"),
        ],
        #"{"data":{\#(budget),"repository":{"id":"R_1","nameWithOwner":"octo/a","#
          + #""issues":{"edges":[],"nodes":[],"pageInfo":{"hasNextPage":false}}}}}"#))
    var options = GitHubOptions(credentials: .bearer(Secret("graphql")), owners: ["octo"])
    options.tables = [.issues]
    let source = try GitHubSource(
      options, environment: CursorSourceEnvironment(run: script.environment), transport: script)
    func page(_ cursor: String?) async throws -> Page {
      try await source.page(
        PageRequest(
          partition: Partition(phase: "issue_extraction", name: "octo/a"), cursor: cursor,
          since: nil, limit: 10, context: script))
    }
    let first = try await page(nil)
    #expect(first.next == .after("c R_1"))
    #expect(script.waitedUntil == [])
    // A cursor as other tools kept it, without the repository.
    let second = try await page("c")
    #expect(second.next == .finished)
    #expect(script.waitedUntil == [1200])
    // Headers count more.
    #expect(!source.client.isLimited(1))
  }

  /// One that the job leaves out by now is left out, though the run had found it before.
  @Test func anExcludedRepositoryIsPassedOver() async throws {
    var options = GitHubOptions(credentials: .bearer(Secret("excluded")), owners: ["octo"])
    options.exclude = ["octo/b*"]
    let script = ScriptedTransport()
    let source = try GitHubSource(
      options, environment: CursorSourceEnvironment(run: script.environment), transport: script)
    for phase in ["pr_extraction", "issue_extraction"] {
      let page = try await source.page(
        PageRequest(
          partition: Partition(phase: phase, name: "octo/bad"), cursor: "c R_1", since: nil,
          limit: 10, context: script))
      #expect(page.next == .passedOver(reason: "the job excludes it"))
    }
    #expect(script.requests.isEmpty)
  }

  @Test func waitsForASecondaryLimit() async throws {
    let standin = try await Standin.gitHub(repositories: 1, pullRequests: 3, issues: 1)
    try await standin.tell(
      "settings", "{\"secondary\": {\"retry_after\": 600, \"status\": 403, \"times\": 1}}")
    try await standin.tell("settings", "{\"tokens\": [\"secondary\"]}")
    let clock = MovedClock(standin)
    let source = try source(standin, token: "secondary", clock: clock)
    var target = MemoryTarget(source.tables)
    let context = TestContext(moving: clock)
    _ = try await PlainDriver(source: source).run(into: &target, context: context)
    #expect(try await GitHubTruth(standin).differences(target) == [])
    #expect(context.waits.map(\.reason) == [.retryAfter])
  }

  @Test func aWaitThatEndsEarlyIsPassedOn() async throws {
    let standin = try await Standin.gitHub(repositories: 1, pullRequests: 3, issues: 1)
    try await standin.tell(
      "settings", "{\"secondary\": {\"retry_after\": 60, \"status\": 429, \"times\": 9}}")
    try await standin.tell("settings", "{\"tokens\": [\"stopped\"]}")
    let source = try source(standin, token: "stopped")
    var target = MemoryTarget(source.tables)
    let context = TestContext()
    context.stop()
    await #expect(throws: TestContext.Stopped.self) {
      _ = try await PlainDriver(source: source).run(into: &target, context: context)
    }
  }

  @Test func aRevokedTokenIsFatal() async throws {
    let standin = try await Standin.gitHub(repositories: 1, pullRequests: 3, issues: 1)
    let source = try source(standin, token: "ghp_wrong0123")
    var target = MemoryTarget(source.tables)
    let error = await #expect(throws: CursorSourceError.self) {
      _ = try await PlainDriver(source: source).run(into: &target)
    }
    guard case .fatal(let message, _)? = error else {
      return #expect(Bool(false), "\(error as Any)")
    }
    #expect(message.contains("401"))
    #expect(message.contains("token"))
    #expect(!message.contains("ghp_wrong0123"))
    #expect(try await standin.told("counts")["requests"].integer == 1)
  }

  @Test func anAppRenewsItsTokens() async throws {
    let standin = try await Standin.gitHub()
    let app = try await standin.told("app")
    let key = try #require(app["private_key"].string)
    // Tokens that are as good as expired: each request asks for a new one.
    try await standin.tell("settings", "{\"token_lifetime\": 30}")
    let address = try APIAddress(standin.url)
    let source = try source(standin) {
      $0.credentials = .gitHubApp(
        GitHubApp(
          id: app["app_id"].string ?? app["app_id"].integer.map { "\($0)" } ?? "",
          installation: app["installation_id"].integer ?? 0, privateKey: Secret(key),
          address: address))
    }
    var target = MemoryTarget(source.tables)
    _ = try await PlainDriver(source: source).run(into: &target)
    #expect(try await GitHubTruth(standin).differences(target) == [])
    let seen = try await standin.told("authorizations").text ?? ""
    #expect(seen.contains("ghs_") || seen.contains("Bearer"))
  }

  /// An end that no sum of times holds is refused, with words.
  @Test func aTokenForEverIsRefused() async throws {
    let app = try await Standin.gitHub(repositories: 1, pullRequests: 1, issues: 1).told("app")
    let script = ScriptedTransport(
      .answer(201, [], #"{"token":"ghs_1","expires_at":"9999-12-31T23:59:59Z"}"#))
    let tokens = InstallationTokens(
      GitHubApp(
        id: "7", installation: 9, privateKey: Secret(try #require(app["private_key"].string)),
        address: .gitHub),
      environment: script.environment, transport: script)
    await #expect(throws: CursorSourceError.self) { _ = try await tokens.authorization(script) }
  }

  // MARK: - A world that changes

  /// What changes while a first reading goes on is met at its end, in the same run.
  @Test func aFirstReadingMeetsWhatChanges() async throws {
    let standin = try await Standin.gitHub(repositories: 1, pullRequests: 20, issues: 12)
    let source = try source(standin)
    var target = MemoryTarget(source.tables)
    var changes = 0
    var driver = PlainDriver(source: source, limit: 4)
    driver.afterPage = { partition, _ in
      guard partition.phase != "repository_discovery", changes < 6 else { return }
      changes += 1
      try await standin.tell(
        "do",
        """
        [{"action": "touch", "repository": "octo/repo-0001", "number": \(changes)}, \
        {"action": "create", "repository": "octo/repo-0001", "what": "pull_requests", "count": 1}]
        """)
    }
    _ = try await driver.run(into: &target)
    // Pull requests that changed while issues were read are the next run's.
    let differences = try await GitHubTruth(standin).differences(target, tables: ["issues"])
    #expect(differences == [])
  }

  /// Updates, new records, deletions and force pushes while a run reads; the next one, with its `since`
  /// and a sweep, is equal to the truth.
  @Test(arguments: [1, 2, 3])
  func aSecondRunIsEqual(seed: Int) async throws {
    let standin = try await Standin.gitHub(seed: seed, pullRequests: 25, issues: 15)
    try await standin.tell(
      "settings",
      """
      {"updates": {"every": 2, "seed": \(seed), "kinds": ["touch", "grow", "create", "delete"], \
      "times": 25}}
      """)
    let source = try source(standin) { $0.sweepsDeletions = true }
    var target = MemoryTarget(source.tables)
    let begin = try await newest(standin)
    _ = try await PlainDriver(source: source, limit: 6).run(into: &target)
    let world = try await standin.told("truth?repository=octo/repo-0001")["tables"]
    let numbers = world["pull_requests"].elements.compactMap { $0["number"].integer }
    try await standin.tell(
      "do",
      """
      [{"action": "update", "count": 10}, \
      {"action": "force_push", "repository": "octo/repo-0001", "number": \(numbers[0])}, \
      {"action": "unlink", "repository": "octo/repo-0001", "number": \(numbers[1])}]
      """)
    try await standin.tell("settings", "{\"updates\": null}")
    _ = try await PlainDriver(source: source, limit: 6).run(into: &target, since: begin)
    #expect(try await GitHubTruth(standin).differences(target) == [])
  }

  /// Links that came and went though GitHub does not say that their pull request changed; more than come
  /// with it at once, and too many numbers for one query.
  @Test func aSweepReadsLinksAnew() async throws {
    let standin = try await Standin.gitHub(repositories: 1, pullRequests: 8, issues: 60)
    let source = try source(standin) { $0.sweepsDeletions = true }
    var target = MemoryTarget(source.tables)
    _ = try await PlainDriver(source: source).run(into: &target)
    let world = try await standin.told("truth")["tables"]
    let numbers = world["pull_requests"].elements.compactMap { $0["number"].integer }
    let linked = world["linked_issues"].elements.first?["pullRequest"].string
    let left = world["pull_requests"].elements.first { $0["id"].string == linked }?["number"]
      .integer
    let grown = try #require(numbers.first { $0 != left })
    try await standin.tell(
      "do",
      """
      [{"action": "grow", "repository": "octo/repo-0001", "number": \(grown), \
      "what": "linked_issues", "count": 90}, \
      {"action": "unlink", "repository": "octo/repo-0001", "number": \(try #require(left))}]
      """)
    let links = try await standin.told("truth?table=linked_issues")["tables"]["linked_issues"]
    let count =
      Dictionary(
        grouping: links.elements.compactMap { $0["pullRequest"].string }, by: { $0 }
      ).values.map(\.count).max() ?? 0
    #expect(count > 30, "\(count)")
    try await standin.tell("settings", #"{"heavy": {"nodes": 900, "kind": "502"}}"#)
    // As if GitHub said of nothing that it changed.
    let since = try await newest(standin) + 60_000_000_000
    _ = try await PlainDriver(source: source).run(into: &target, since: since)
    #expect(try await GitHubTruth(standin).differences(target, tables: ["pr_linked_issues"]) == [])
    #expect(try await standin.told("counts")["faults"]["502"].integer ?? 0 > 0)
  }

  /// The newest change of the world, by its own clock, in nanoseconds.
  private func newest(_ standin: Standin) async throws -> Int64 {
    let tables = try await standin.told("truth")["tables"]
    let instants = ["pull_requests", "issues"].flatMap { table in
      tables[table].elements.compactMap { JSONInstant.microseconds($0["updatedAt"]) }
    }
    return (try #require(instants.max())) * 1000
  }

  @Test func aRenamedRepositoryGoesOn() async throws {
    let standin = try await Standin.gitHub(repositories: 2, pullRequests: 20, issues: 4)
    let source = try source(standin)
    var target = MemoryTarget(source.tables)
    var driver = PlainDriver(source: source, limit: 6)
    var isRenamed = false
    driver.afterPage = { partition, page in
      guard partition.phase == "pr_extraction", !isRenamed else { return }
      isRenamed = true
      try await standin.tell(
        "do", "{\"action\": \"rename\", \"repository\": \"octo/repo-0001\", \"to\": \"other\"}")
    }
    let outcome = try await driver.run(into: &target)
    #expect(outcome.renamed["octo/repo-0001"] == "octo/other")
    // The addresses of what was read before are the old ones, and still lead there.
    let truth = try await standin.told("truth")["tables"]
    for table in ["pull_requests", "reviews", "review_comments", "issues"] {
      #expect(
        Set(target.all(table).map { $0["id"] })
          == Set(truth[table].elements.map { $0["id"].string }), "\(table)")
    }
    #expect(try await standin.told("counts")["repeated"].elements.isEmpty)
  }

  @Test(arguments: ["vanish", "forbid"])
  func aRepositoryThatGoesIsPassedOver(action: String) async throws {
    let standin = try await Standin.gitHub(repositories: 3, pullRequests: 10, issues: 4)
    let source = try source(standin)
    var target = MemoryTarget(source.tables)
    var driver = PlainDriver(source: source)
    driver.afterPage = { partition, _ in
      guard partition.phase == "repository_discovery" else { return }
      try await standin.tell(
        "do",
        "{\"action\": \"\(action)\", \"repository\": \"octo/repo-0001\"}")
    }
    let outcome = try await driver.run(into: &target)
    let reason = try #require(outcome.passedOver["octo/repo-0001"])
    #expect(reason.contains(action == "vanish" ? "octo/repo-0001" : "SAML"))
    // The others are read.
    #expect(
      Set(target.all("pull_requests").compactMap { $0["repository"] }).contains("octo/repo-0002"))
    // One that is forbidden from the begin has no name.
    var second = MemoryTarget(source.tables)
    let later = try await PlainDriver(source: source).run(into: &second)
    #expect(later.notices.isEmpty == (action == "vanish"))
  }

  /// Another repository under a known name is not read with the former one's cursor.
  @Test func aCursorIsOfItsRepository() async throws {
    let standin = try await Standin.gitHub(repositories: 2, pullRequests: 6, issues: 1)
    let source = try source(standin)
    let partition = Partition(phase: "pr_extraction", name: "octo/repo-0001")
    let first = try await source.page(
      PageRequest(
        partition: partition, cursor: nil, since: nil, limit: 2, context: TestContext()))
    guard case .after(let cursor) = first.next else {
      return #expect(Bool(false), "\(first.next)")
    }
    await #expect(throws: CursorSourceError.self) {
      _ = try await source.page(
        PageRequest(
          partition: partition, cursor: cursor.split(separator: " ")[0] + " R_other", since: nil,
          limit: 2, context: TestContext()))
    }
    await #expect(throws: CursorSourceError.self) {
      _ = try await source.page(
        PageRequest(
          partition: partition, cursor: "bm9uc2Vuc2U= " + cursor.split(separator: " ")[1],
          since: nil, limit: 2, context: TestContext()))
    }
  }

  /// When it is time to commit, a page ends after what is whole.
  @Test func aPageIsCutWhenItIsTime() async throws {
    let standin = try await Standin.gitHub(
      repositories: 1, pullRequests: 15, issues: 1,
      [
        "--commits", "200",
      ])
    let source = try source(standin)
    let page = try await source.page(
      PageRequest(
        partition: Partition(phase: "pr_extraction", name: "octo/repo-0001"), cursor: nil,
        since: nil, limit: 15, context: TestContext(commitIn: .zero)))
    #expect(page.records < 15)
    var target = MemoryTarget(source.tables)
    _ = try await PlainDriver(source: source, limit: 15).run(
      into: &target, context: TestContext(commitIn: .zero))
    #expect(try await GitHubTruth(standin).differences(target) == [])
  }

  /// The token is nowhere in what is said of failures.
  @Test func errorsShowNoToken() async throws {
    let standin = try await Standin.gitHub(repositories: 1, pullRequests: 2, issues: 1)
    let source = try source(
      standin,
      retry: RetryPolicy(
        attempts: 2, minimumBackoff: .milliseconds(1), maximumBackoff: .milliseconds(1)))
    for kind in ["500", "502", "401", "garbage", "refuse", "cut_body", "truncated_json"] {
      try await standin.tell("settings", "{\"faults\": [{\"kind\": \"\(kind)\", \"every\": 1}]}")
      var target = MemoryTarget(source.tables)
      do {
        _ = try await PlainDriver(source: source).run(into: &target)
        Issue.record("\(kind) did not fail")
      } catch {
        var text = "\(error)" + String(reflecting: error)
        dump(error, to: &text)
        #expect(!text.contains("test-token"))
      }
    }
    var text = ""
    dump(source.options, to: &text)
    #expect(!(text + "\(source.options)").contains("test-token"))
  }
}
