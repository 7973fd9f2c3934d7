import Testing

@testable import Cairn

/// What a checkpoint means, as traces without any sink.
@Suite struct EntityDecisionTests {
  private func list(_ ids: some Sequence<String>) throws -> EntityList {
    try EntityList(Array(ids))
  }

  private func names(_ range: Range<Int>) -> [String] { range.map { "e\($0)" } }

  private func policy(
    expiry: Duration? = .seconds(24 * 3_600), addsTwice: Bool = false, startsOver: Bool = false,
    table: String = "stats"
  ) -> EntityDecision.Policy {
    EntityDecision.Policy(
      expiry: expiry, addsTwice: addsTwice, startsOver: startsOver, table: table,
      breaker: CircuitBreaker(failureLimit: 3, coolDown: .seconds(300)))
  }

  private func checkpoint(
    _ ids: [String], done: Int, age: Duration = .seconds(60)
  ) throws -> EntityCheckpoint {
    let list = try list(ids)
    var completed = CompletedRanges()
    completed.insert(0..<done)
    return EntityCheckpoint(
      new: NewEntityRun(
        syncID: try #require(SyncID("sync_20250129_143022_a3f4b2c1")), processor: "p",
        partition: "d", total: ids.count, listDigest: list.digest, table: "stats"),
      lastEntityID: done > 0 ? ids[done - 1] : "", completed: completed, total: ids.count,
      prefixDigest: list.digest(upTo: done), checkpointAt: "2025-01-29T14:30:22.000Z", age: age,
      attemptStartedAt: "2025-01-29T14:30:22.000Z")
  }

  @Test func `without a checkpoint it begins`() throws {
    #expect(
      EntityDecision.decide(nil, entities: try list(names(0..<5)), policy: policy()) == .begin)
  }

  @Test func `the same entities are gone on with`() throws {
    let found = try checkpoint(names(0..<450), done: 300)
    #expect(
      EntityDecision.decide(found, entities: try list(names(0..<450)), policy: policy())
        == .resume(note: nil))
  }

  @Test func `entities added or removed behind what is done are noted`() throws {
    let found = try checkpoint(names(0..<450), done: 300)
    for entities in [names(0..<460), names(0..<440), names(0..<300)] {
      let decision = EntityDecision.decide(found, entities: try list(entities), policy: policy())
      guard case .resume(let note?) = decision else {
        Issue.record("\(decision)")
        continue
      }
      #expect(note.contains("after number 300"))
      #expect(note.contains("had 450 and has \(entities.count)"))
    }
  }

  @Test func `a change among what is done is explained`() throws {
    let found = try checkpoint(names(0..<450), done: 300)
    func reason(_ entities: [String]) throws -> String {
      let decision = EntityDecision.decide(found, entities: try list(entities), policy: policy())
      guard case .startOver(.discarded, let reason) = decision else { return "\(decision)" }
      return reason
    }
    #expect(
      try reason(["new"] + names(0..<450)).contains("'e299', was number 300 and is number 301"))
    #expect(
      try reason(Array(names(0..<450).dropFirst(2))).contains("was number 300 and is number 298"))
    #expect(try reason(names(0..<200)).contains("shorter than what is done"))
    #expect(
      try reason(names(0..<450).filter { $0 != "e299" }).contains("'e299', is no longer in it"))
    var swapped = names(0..<450)
    swapped.swapAt(3, 5)
    #expect(try reason(swapped).contains("sort them by their id"))
  }

  @Test func `a checkpoint that is too old is not gone on from`() throws {
    let ids = names(0..<450)
    let old = try checkpoint(ids, done: 300, age: .seconds(25 * 3_600))
    let decision = EntityDecision.decide(old, entities: try list(ids), policy: policy())
    guard case .startOver(.expired, let reason) = decision else {
      Issue.record("\(decision)")
      return
    }
    #expect(reason.contains("300 of 450"))
    #expect(reason.contains("over 1d"))
    // To the second; a clock that went back makes nothing old.
    for age in [Duration.seconds(24 * 3_600), .seconds(-5)] {
      let found = try checkpoint(ids, done: 300, age: age)
      #expect(
        EntityDecision.decide(found, entities: try list(ids), policy: policy())
          == .resume(note: nil))
    }
    #expect(
      EntityDecision.decide(old, entities: try list(ids), policy: policy(expiry: nil))
        == .resume(note: nil))
  }

  @Test func `what would append rows twice is refused`() throws {
    let ids = names(0..<450)
    let old = try checkpoint(ids, done: 300, age: .seconds(25 * 3_600))
    let decision = EntityDecision.decide(
      old, entities: try list(ids), policy: policy(addsTwice: true))
    guard case .refuse(.cannotStartOver(_, _, 300, _)) = decision else {
      Issue.record("\(decision)")
      return
    }
    let asked = EntityDecision.decide(
      try checkpoint(ids, done: 300), entities: try list(ids),
      policy: policy(addsTwice: true, startsOver: true))
    guard case .refuse(.cannotStartOver) = asked else {
      Issue.record("\(asked)")
      return
    }
    // Nothing was committed: nothing can be twice.
    let empty = try checkpoint(ids, done: 0, age: .seconds(25 * 3_600))
    let fresh = EntityDecision.decide(
      empty, entities: try list(ids), policy: policy(addsTwice: true))
    guard case .startOver(.expired, _) = fresh else {
      Issue.record("\(fresh)")
      return
    }
  }

  @Test func `another table starts over`() throws {
    let ids = names(0..<5)
    let decision = EntityDecision.decide(
      try checkpoint(ids, done: 2), entities: try list(ids), policy: policy(table: "other"))
    guard case .startOver(.discarded, let reason) = decision else {
      Issue.record("\(decision)")
      return
    }
    #expect(reason.contains("'stats', not 'other'"))
  }

  @Test func `an open circuit refuses until it has cooled down`() throws {
    let ids = names(0..<5)
    var found = try checkpoint(ids, done: 2)
    found.failuresInARow = 3
    found.failureAge = .seconds(100)
    found.error = "quota"
    let entities = try list(ids)
    #expect(
      EntityDecision.decide(found, entities: entities, policy: policy())
        == .refuse(
          .circuitOpen(
            processor: "p", partition: "d", failures: 3, left: .seconds(200), error: "quota")))
    found.failureAge = .seconds(300)
    #expect(
      EntityDecision.decide(found, entities: entities, policy: policy()) == .resume(note: nil))
    found.failureAge = .seconds(1)
    found.failuresInARow = 2
    #expect(
      EntityDecision.decide(found, entities: entities, policy: policy()) == .resume(note: nil))
    // A clock that went back keeps nobody out for longer than the cool-down.
    found.failuresInARow = 3
    found.failureAge = .seconds(-1_000)
    let decision = EntityDecision.decide(found, entities: entities, policy: policy())
    guard case .refuse(.circuitOpen(_, _, _, let left, _)) = decision else {
      Issue.record("\(decision)")
      return
    }
    #expect(left == .seconds(300))
  }

  @Test func `two entities with one id are refused`() {
    #expect(throws: EntityBatchError.duplicateEntity("b")) {
      try EntityList(["a", "b", "c", "b"])
    }
  }

  @Test func `the digest tells where one id ends`() throws {
    #expect(try list(["ab", "c"]).digest != list(["a", "bc"]).digest)
    #expect(try list(["ab", "c"]).digest != list(["abc"]).digest)
    var digest = PrefixDigest()
    let ids = names(0..<50)
    let entities = try list(ids)
    for end in [0, 7, 7, 20, 50, 3] {
      #expect(digest.upTo(end, of: ids) == entities.digest(upTo: end))
    }
    // SHA-256 of "1:a2:bc".
    #expect(
      try list(["a", "bc"]).digest
        == "5310a58788781ab25d5ad7c3f85035824b4eb7bdfa394e0ac2186271472b5492")
  }
}
