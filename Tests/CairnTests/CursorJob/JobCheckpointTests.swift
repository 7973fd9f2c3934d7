import Cairn
import Crypto
import Foundation
import Testing

@Suite struct JobCheckpointTests {
  private static let run = SyncID(
    environment: RunEnvironment(
      now: { 1_737_023_400_000_000_000 }, random: { 7 }, sleep: { _ in }))
  private static let phases = ["repository_discovery", "pr_extraction", "sweep"]
  private static let owner = JobCheckpoint.Owner(
    job: "github_sync", type: "github", phases: phases)

  private func new() -> JobCheckpoint {
    JobCheckpoint(
      job: "github_sync", type: "github", scopeDigest: "abc", run: Self.run, phases: Self.phases,
      runBegan: 1_737_023_400_000_000_000)
  }

  private func decode(
    _ data: String, digest: String? = nil, owner: JobCheckpoint.Owner = owner,
    layout: CheckpointLayout = .github
  ) throws -> JobCheckpoint {
    try JobCheckpoint.decode(
      data, digest: digest ?? "", for: owner, run: Self.run, layout: layout)
  }

  private func defect(_ body: () throws -> JobCheckpoint) -> CheckpointDefect? {
    do {
      _ = try body()
      return nil
    } catch {
      return error as? CheckpointDefect
    }
  }

  // MARK: What is written is what is read

  @Test(arguments: 0..<200)
  func `reading what was written gives the same`(_ seed: Int) throws {
    var random = Random(state: UInt64(seed) &* 977)
    let layout: CheckpointLayout = [.github, .jira, .general][seed % 3]
    var checkpoint = JobCheckpoint(
      job: "j", type: "t", scopeDigest: "d\(seed)", run: Self.run, phases: Self.phases,
      runBegan: random.time())
    let count = seed % 10 == 0 ? 3_000 : random.below(40)
    for _ in 0..<count {
      var entry = JobQueue.Entry(
        Partition(
          phase: Self.phases[random.below(3)], name: random.name(),
          isReadWhole: random.below(4) == 0))
      switch random.below(count > 1_000 ? 12 : 4) {
      case 0: entry.state = .after(random.name().replacing("\n", with: ""))
      case 1: entry.state = .passedOver(random.name())
      case 2...6: entry.state = .finished
      default: break
      }
      if random.below(20) == 0 { entry.records = random.below(1_000) }
      if random.below(20) == 0 { entry.note = random.name() }
      if random.below(20) == 0 { entry.restarts = 1 }
      checkpoint.queue.add(entry)
    }
    if let entry = checkpoint.queue.entries.first, random.below(3) > 0 {
      checkpoint.phase = entry.partition.phase
      checkpoint.current = entry.partition.name
    }
    checkpoint.total = random.below(1 << 20)
    checkpoint.timestamp = random.time()
    checkpoint.lastSyncAt = random.below(2) == 0 ? nil : random.time()
    checkpoint.trigger = "pr_batch_completion"
    if random.below(2) == 0 { checkpoint.boundaries = ["a", "b"] }
    if random.below(2) == 0 {
      checkpoint.rateLimit = RateLimit(remaining: random.below(5_000), reset: random.time())
    }
    if random.below(2) == 0 {
      checkpoint.error = JobCheckpoint.ErrorContext(
        lastSuccessfulOperation: random.below(2) == 0 ? nil : "x", failurePoint: random.name(),
        isRecoverable: random.below(2) == 0, error: random.name())
    }
    for _ in 0..<random.below(3) * (count > 1_000 ? 200 : 2) {
      checkpoint.known["pr_extraction", default: []].append(random.name())
      let partition = Partition(phase: "pr_extraction", name: random.name())
      checkpoint.exceptions[partition] = .some(random.below(2) == 0 ? nil : random.time())
    }
    checkpoint.sweep = JobCheckpoint.Sweep(
      lastAt: random.below(2) == 0 ? nil : random.time(), runsSince: random.below(3),
      isUnderWay: random.below(2) == 0)
    if random.below(2) == 0 {
      checkpoint.tables["gh_prs"] = JobCheckpoint.TableMark(atLeast: 3, atMost: 9)
      checkpoint.reference = JobCheckpoint.Reference(
        generation: 4, run: "r", timestamp: random.time(), phase: nil, current: "c", total: 5,
        finished: 6)
    }
    if checkpoint.queue.openPhase == nil { checkpoint.finishedAt = random.time() }
    let encoded = checkpoint.encoded(as: layout)
    let owner = JobCheckpoint.Owner(job: "j", type: "t", phases: Self.phases)
    let read = try decode(encoded.data, digest: encoded.digest, owner: owner, layout: layout)
    #expect(read == checkpoint)
    #expect(read.encoded(as: layout) == encoded)
    // JSON for others, too.
    #expect(throws: Never.self) {
      try JSONSerialization.jsonObject(with: Data(encoded.data.utf8))
    }
  }

  // MARK: The formats that people know

  @Test func `GitHub's fields have their names`() throws {
    var checkpoint = new()
    for (name, state) in [
      ("wexinc/repo1", JobQueue.State.finished),
      ("wexinc/repo2", .after("Y3Vyc29yOjE2NzM5NzI4MDA=")),
    ] {
      checkpoint.queue.add(
        JobQueue.Entry(Partition(phase: "pr_extraction", name: name), state: state))
    }
    checkpoint.phase = "pr_extraction"
    checkpoint.current = "wexinc/repo2"
    checkpoint.total = 450
    checkpoint.rateLimit = RateLimit(remaining: 30, reset: 1_737_025_200_000_000_000)
    let data = Data(checkpoint.encoded(as: .github).data.utf8)
    let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let queue = try #require(json["repo_processing_queue"] as? [[String: Any]])
    #expect(queue.map { $0["name"] as? String } == ["wexinc/repo1", "wexinc/repo2"])
    #expect(queue.map { $0["finished"] as? Bool } == [true, false])
    #expect(queue[0]["last_cursor"] is NSNull)
    #expect(queue[1]["last_cursor"] as? String == "Y3Vyc29yOjE2NzM5NzI4MDA=")
    #expect(json["last_repo_sync_checkpoint"] as? String == "wexinc/repo2")
    #expect(json["github_pr_cursor"] as? String == "Y3Vyc29yOjE2NzM5NzI4MDA=")
    #expect(json["total_prs_processed"] as? Int == 450)
    #expect(json["current_phase"] as? String == "pr_extraction")
    let limit = try #require(json["rate_limit_context"] as? [String: Any])
    #expect(limit["remaining_calls"] as? Int == 30)
    #expect(limit["reset_time"] as? String == "2025-01-16T11:00:00Z")
    for field in ["checkpoint_timestamp", "checkpoint_phase", "checkpoint_version"] {
      #expect(json[field] is String)
    }
  }

  @Test func `Jira's fields have their names`() throws {
    var checkpoint = JobCheckpoint(
      job: "jira_sync", type: "jira", scopeDigest: "", run: Self.run, phases: ["issues"],
      runBegan: 0)
    for (name, state) in [
      ("PROJ-001", JobQueue.State.finished), ("PROJ-002", .finished), ("PROJ-123", .after("7")),
    ] {
      checkpoint.queue.add(JobQueue.Entry(Partition(phase: "issues", name: name), state: state))
    }
    checkpoint.phase = "issues"
    checkpoint.current = "PROJ-123"
    checkpoint.total = 1250
    checkpoint.lastSyncAt = 1_737_023_400_000_000_000
    checkpoint.error = JobCheckpoint.ErrorContext(
      lastSuccessfulOperation: "project_extraction", failurePoint: "issue_processing",
      isRecoverable: true, error: "")
    let data = Data(checkpoint.encoded(as: .jira).data.utf8)
    let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(json["last_sync_at"] as? String == "2025-01-16T10:30:00Z")
    #expect(json["total_issues_processed"] as? Int == 1250)
    #expect(json["current_project"] as? String == "PROJ-123")
    #expect(json["projects_completed"] as? [String] == ["PROJ-001", "PROJ-002"])
    #expect(json["extraction_phase"] as? String == "issues")
    let context = try #require(json["error_context"] as? [String: Any])
    #expect(context["last_successful_operation"] as? String == "project_extraction")
    #expect(context["failure_point"] as? String == "issue_processing")
    #expect(context["recoverable"] as? Bool == true)
  }

  static let old = """
    {"repo_processing_queue": [
      {"name": "wexinc/repo1", "finished": true, "last_cursor": null},
      {"name": "wexinc/repo2", "finished": false, "last_cursor": "Y3Vyc29yOjE2NzM5NzI4MDA="},
      {"name": "wexinc/repo3", "finished": false, "last_cursor": null}],
     "last_repo_sync_checkpoint": "wexinc/repo2", "github_pr_cursor": "Y3Vyc29yOjE2NzM5NzI4MDA=",
     "total_prs_processed": 450, "current_phase": "pr_extraction",
     "rate_limit_context": {"remaining_calls": 30, "reset_time": "2025-01-16T11:00:00Z"},
     "something_else": [1, 2], "checkpoint_timestamp": "2025-01-16T10:45:00.123456",
     "checkpoint_phase": "pr_batch_completion", "checkpoint_version": "1.0"}
    """

  @Test(arguments: ["1.0", "0.9", nil]) func `an older version is taken over`(_ version: String?)
    throws
  {
    let text =
      version.map { Self.old.replacing("\"1.0\"", with: "\"\($0)\"") }
      ?? Self.old.replacing(", \"checkpoint_version\": \"1.0\"", with: "")
    let read = try decode(text)
    let states = read.queue.entries.map { "\($0.partition.name) \($0.state)" }
    #expect(
      states == [
        "wexinc/repo1 finished", "wexinc/repo2 after(\"Y3Vyc29yOjE2NzM5NzI4MDA=\")",
        "wexinc/repo3 waiting",
      ])
    #expect(read.total == 450)
    #expect(read.current == "wexinc/repo2")
    #expect(read.rateLimit?.remaining == 30)
    // Nobody knows since when; all of it is read again by the next run.
    let first = Partition(phase: "pr_extraction", name: "wexinc/repo1")
    #expect(read.exceptions[first] == .some(nil))
  }

  @Test func `an older checkpoint of Jira is taken over`() throws {
    let text = """
      {"last_sync_at": "2025-01-16T10:30:00Z", "total_issues_processed": 1250,
       "current_project": "PROJ-123", "projects_completed": ["PROJ-002", "PROJ-001"],
       "extraction_phase": "issues", "error_context": {"last_successful_operation": "x",
       "failure_point": "issue_processing", "recoverable": true}, "checkpoint_version": "1.0"}
      """
    let owner = JobCheckpoint.Owner(
      job: "jira", type: "jira", phases: ["project_discovery", "issues"])
    let read = try decode(text, owner: owner, layout: .jira)
    #expect(read.queue.entries.map(\.partition.name) == ["PROJ-001", "PROJ-002"])
    #expect(read.queue.entries.allSatisfy { $0.state == .finished })
    #expect(read.lastSyncAt == 1_737_023_400_000_000_000)
    #expect(read.error?.failurePoint == "issue_processing")
  }

  // MARK: What is refused

  @Test func `a damaged checkpoint is refused`() throws {
    let encoded = new().encoded(as: .github)
    var data = Array(encoded.data.utf8)
    data[data.count / 2] ^= 1
    let torn = String(decoding: data, as: UTF8.self)
    let found = defect { try decode(torn, digest: encoded.digest) }
    #expect(found == .corrupt("its SHA-256 is not the one that was recorded"))
    #expect(found?.factKind == .corruptCheckpoint)
    #expect(defect { try decode(String(Self.old.dropLast(5))) } == .corrupt("it is no JSON object"))
    #expect(defect { try decode(encoded.data) } == .corrupt("its SHA-256 is not recorded"))
  }

  @Test(arguments: ["2.1", "3.0", "2.0.1", "10"]) func `a later version is refused by name`(
    _ version: String
  ) throws {
    let text = Self.old.replacing("\"1.0\"", with: "\"\(version)\"")
    let found = try #require(defect { try decode(text) })
    #expect(found == .tooNew(version: version))
    #expect("\(found)" == "its version is \(version), and this program reads up to 2.0")
  }

  @Test func `another job's is refused by name`() throws {
    let encoded = new().encoded(as: .github)
    let other = JobCheckpoint.Owner(job: "other", type: "github", phases: Self.phases)
    #expect(
      defect { try decode(encoded.data, digest: encoded.digest, owner: other) }
        == .otherJob("github_sync"))
    let jira = JobCheckpoint.Owner(job: "github_sync", type: "jira", phases: Self.phases)
    #expect(
      defect { try decode(encoded.data, digest: encoded.digest, owner: jira) }
        == .otherType("github"))
  }

  @Test func `a checkpoint without what its type needs is refused`() {
    for field in CheckpointLayout.github.required {
      let text = Self.old.replacing("\"\(field)\"", with: "\"x\"")
      #expect(defect { try decode(text) } == .missing(field))
    }
    for field in CheckpointLayout.jira.required {
      let all = #"{"last_sync_at": null, "extraction_phase": "issues"}"#
      let owner = JobCheckpoint.Owner(job: "j", type: "jira", phases: ["issues"])
      #expect(
        defect {
          try decode(all.replacing(field, with: "x"), owner: owner, layout: .jira)
        } == .missing(field))
      #expect(defect { try decode(all, owner: owner, layout: .jira) } == nil)
    }
  }

  @Test(arguments: [
    ("\"last_cursor\": \"Y3Vyc29yOjE2NzM5NzI4MDA=\"", "\"last_cursor\": \"\""),
    ("\"last_cursor\": \"Y3Vyc29yOjE2NzM5NzI4MDA=\"", "\"last_cursor\": 7"),
    ("\"last_cursor\": \"Y3Vyc29yOjE2NzM5NzI4MDA=\"", "\"last_cursor\": \"a\\u0000b\""),
    ("\"wexinc/repo3\"", "\"wexinc/repo1\""), ("\"finished\": true", "\"finished\": \"yes\""),
    ("450", "-1"), ("450", "\"many\""), ("\"2025-01-16T11:00:00Z\"", "\"soon\""),
    ("\"name\": \"wexinc/repo3\"", "\"nom\": \"wexinc/repo3\""), ("\"1.0\"", "\"one\""),
    ("\"1.0\"", "1"),
  ]) func `what makes no sense is refused`(_ change: (String, String)) {
    #expect(Self.old.contains(change.0))
    let text = Self.old.replacing(change.0, with: change.1)
    guard case .invalid? = defect({ try decode(text) }) else {
      Issue.record("\(change.1) is taken")
      return
    }
  }

  @Test func `a finished partition with a cursor, and a finished run with open ones, are refused`()
    throws
  {
    var checkpoint = new()
    let partition = Partition(phase: "pr_extraction", name: "a/b")
    checkpoint.queue.add(JobQueue.Entry(partition, state: .after("c")))
    let data = checkpoint.encoded(as: .github).data
    let finished = data.replacing("\"finished\":false", with: "\"finished\":true")
    let over = data.replacing(
      "\"finished_at\":null", with: "\"finished_at\":\"2025-01-16T11:00:00Z\"")
    for text in [finished, over] {
      #expect(text != data)
      guard case .invalid? = defect({ try decode(text, digest: sha256(text)) }) else {
        Issue.record("it is taken")
        continue
      }
    }
  }

  // MARK: Size

  /// Names of many words, like those that an organisation gives its repositories.
  private func names(_ count: Int) -> [String] {
    var random = Random(state: 11)
    let words = (0..<900).map { _ in
      String(
        (0..<3 + random.below(7)).map { _ in
          Character(UnicodeScalar(UInt8(ascii: "a") + UInt8(random.below(26))))
        })
    }
    var names: Set<String> = []
    while names.count < count {
      let parts = (0..<2 + random.below(2)).map { _ in words[random.below(words.count)] }
      names.insert("some-organisation/" + parts.joined(separator: "-"))
    }
    return names.shuffledDeterministically()
  }

  @Test(arguments: [false, true]) func `10,000 repositories stay under 100 kB`(_ isFinished: Bool)
    throws
  {
    var checkpoint = new()
    let all = names(10_000)
    for (index, name) in all.enumerated() {
      checkpoint.queue.add(
        JobQueue.Entry(
          Partition(phase: "pr_extraction", name: name),
          state: isFinished || index < 5_000
            ? .finished : index < 5_008 ? .after("Y3Vyc29y") : .waiting))
    }
    if !isFinished {
      checkpoint.known["pr_extraction"] = all.sorted {
        Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8))
      }
    }
    let encoded = checkpoint.encoded(as: .github)
    #expect(encoded.isCompressed)
    #expect(encoded.bytes < 100_000, "\(encoded.bytes) bytes")
    #expect(try decode(encoded.data, digest: encoded.digest) == checkpoint)
    // What tells it apart can be read without unpacking.
    #expect(encoded.data.contains("\"checkpoint_version\":\"2.0\""))
  }

  @Test func `200 repositories are plain JSON`() {
    var checkpoint = new()
    for name in names(200) {
      checkpoint.queue.add(
        JobQueue.Entry(Partition(phase: "pr_extraction", name: name), state: .finished))
    }
    let encoded = checkpoint.encoded(as: .github)
    #expect(!encoded.isCompressed)
    #expect(encoded.bytes < EncodedCheckpoint.compressedBytes)
  }

  @Test func `above 1 MiB it is oversized, and can be read`() throws {
    var checkpoint = new()
    var random = Random(state: 3)
    for index in 0..<3_000 {
      let cursor = String(
        (0..<800).map { _ in Character(UnicodeScalar(UInt8(33 + random.below(90)))) })
      checkpoint.queue.add(
        JobQueue.Entry(
          Partition(phase: "pr_extraction", name: "a/\(index)"),
          state: .after(cursor.replacing("\u{7F}", with: "x"))))
    }
    let encoded = checkpoint.encoded(as: .github)
    #expect(encoded.isOversized)
    #expect(try decode(encoded.data, digest: encoded.digest) == checkpoint)
  }

  // MARK: The choice of a generation

  private func stored(
    _ generation: Int, total: Int, _ change: (inout StoredJobCheckpoint) -> Void = { _ in }
  ) -> StoredJobCheckpoint {
    var checkpoint = new()
    checkpoint.total = total
    checkpoint.queue.add(JobQueue.Entry(Partition(phase: "pr_extraction", name: "a/b")))
    let encoded = checkpoint.encoded(as: .github)
    var stored = StoredJobCheckpoint(
      generation: generation, run: Self.run, data: encoded.data, digest: encoded.digest,
      committedAt: "2025-01-16T10:30:0\(generation)Z")
    change(&stored)
    return stored
  }

  @Test func `the newest valid generation is gone on from`() throws {
    let all = [stored(5, total: 5), stored(6, total: 6), stored(7, total: 7)]
    let choice = CheckpointChoice.choose(all, for: Self.owner, layout: .github)
    #expect(choice.chosen?.generation == 7)
    #expect(choice.refused.isEmpty && choice.notes.isEmpty && choice.facts.isEmpty)
    #expect(choice.standing == .unfinished)
  }

  @Test func `a damaged one falls back, and says so`() throws {
    let all = [
      stored(7, total: 7) { $0.data += " " },
      stored(6, total: 6) {
        $0.data = "{}"; $0.digest = sha256("{}")
      },
      stored(5, total: 5),
    ]
    let choice = CheckpointChoice.choose(all, for: Self.owner, layout: .github)
    #expect(choice.chosen?.generation == 5)
    #expect(choice.refused.map(\.generation) == [7, 6])
    #expect(choice.facts.map(\.kind) == [.corruptCheckpoint, .invalidCheckpoint])
    #expect(
      choice.notes.first
        == "generation 7 of the checkpoint is not valid: it is damaged: its SHA-256 is not the one"
        + " that was recorded; generation 5 is gone on from")
  }

  @Test func `none valid is not the same as none`() {
    let all = [stored(7, total: 7) { $0.data += " " }]
    let choice = CheckpointChoice.choose(all, for: Self.owner, layout: .github)
    #expect(choice.standing == .invalid)
    let aside = CheckpointChoice.choose(
      [stored(7, total: 7) { $0.isAside = true }], for: Self.owner, layout: .github)
    #expect(aside.standing == .none)
  }

  @Test func `what a later program wrote is not undone`() {
    let text = Self.old.replacing("\"1.0\"", with: "\"9.0\"")
    let all = [
      stored(7, total: 7) {
        $0.data = text; $0.digest = sha256(text)
      }, stored(6, total: 6),
    ]
    let choice = CheckpointChoice.choose(all, for: Self.owner, layout: .github)
    #expect(choice.standing == .invalid)
    #expect(choice.refused.map(\.defect) == [.tooNew(version: "9.0")])
    let error = CursorJobError.noValidCheckpoint(job: "github_sync", choice.refused)
    #expect("\(error)".contains("its version is 9.0, and this program reads up to 2.0"))
    #expect("\(error)".contains("cairn job reset github_sync"))
  }

  private func sha256(_ text: String) -> String {
    SHA256.hash(data: Data(text.utf8)).map { byte in
      let hex = String(byte, radix: 16)
      return hex.count == 1 ? "0" + hex : hex
    }.joined()
  }
}

struct Random {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

  /// A time to the microsecond.
  mutating func time() -> Int64 {
    1_700_000_000_000_000_000 + Int64(below(1 << 40)) * (below(2) == 0 ? 1_000 : 1_000_000)
  }

  /// A name with what names may have.
  mutating func name() -> String {
    let letters = Array("abcdefgh/-_.ÄÖ€😀\"\\ xyz0123456789")
    let text = String((0..<1 + below(20)).map { _ in letters[below(letters.count)] })
    return below(60) == 0 ? text + "\n\u{2028}z" : text
  }
}

extension Set<String> {
  /// In an order that is always the same, and not that of the names.
  fileprivate func shuffledDeterministically() -> [String] {
    sorted { $0.utf8.reversed().lexicographicallyPrecedes($1.utf8.reversed()) }
  }
}
