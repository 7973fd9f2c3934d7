internal import Cairn

/// Who owns an execution.
enum ExecutionChecks {
  static let all = [
    RegistryCheck("an execution that failed is gone on with, one that is complete is not") {
      place in
      let registry = try await place.makeRegistry()
      try await registry.prepare()
      let (first, begun) = try await claimed(claim("one"), on: registry)
      try expect("id", begun.pipelineID, is: "one")
      try expect("attempt", begun.attempt, is: 1)
      try expect("status", begun.status, is: .running)
      try await registry.end(first, error: "broken", at: time(2))
      let failed = try await registry.executions(of: "stocks").first
      try expect("status", failed?.status, is: .failed)
      try expect("error", failed?.error, is: "broken")
      try expect("holder", failed?.holder, is: nil)

      let (second, resumed) = try await claimed(claim("two"), on: try await place.makeRegistry())
      try expect("id of what is gone on with", resumed.pipelineID, is: "one")
      try expect("attempt", resumed.attempt, is: 2)
      try expect("error", resumed.error, is: nil)
      _ = second
    },

    RegistryCheck("a complete execution is gone on with only if that is asked for") { place in
      let registry = try await place.makeRegistry()
      try await registry.prepare()
      let (lease, _) = try await claimed(claim("one"), on: registry)
      try await registry.end(lease, error: nil, at: time(2))
      let done = try await registry.executions(of: nil).first
      try expect("status", done?.status, is: .completed)
      try expect("completed", done?.completedAt, is: time(2))
      var again = claim("two", at: 3)
      again.resumesCompleted = true
      let (other, resumed) = try await claimed(again, on: registry)
      try expect("id", resumed.pipelineID, is: "one")
      try expect("attempt", resumed.attempt, is: 2)
      try await registry.end(other, error: nil, at: time(4))
      let (_, new) = try await claimed(claim("three", at: 5), on: registry)
      try expect("id", new.pipelineID, is: "three")
      try expect("attempt", new.attempt, is: 1)
    },

    RegistryCheck("resuming can be off, and another input is another execution") { place in
      let registry = try await place.makeRegistry()
      try await registry.prepare()
      let (lease, _) = try await claimed(claim("one"), on: registry)
      try await registry.end(lease, error: "broken", at: time(2))
      var fresh = claim("two", at: 3)
      fresh.resumesUnfinished = false
      let (second, new) = try await claimed(fresh, on: registry)
      try expect("id", new.pipelineID, is: "two")
      var other = claim("three")
      other.key = "another"
      let (third, beside) = try await claimed(other, on: registry)
      try expect("id", beside.pipelineID, is: "three")
      try await registry.end(second, error: nil, at: time(4))
      try await registry.end(third, error: nil, at: time(4))
    },

    RegistryCheck(
      "an execution that somebody works on is given to nobody else, and its owner named"
    ) {
      place in
      let registry = try await place.makeRegistry()
      try await registry.prepare()
      let (lease, _) = try await claimed(claim("one"), on: registry)
      var other = claim("two")
      other.owner.pid = 4_711
      for asked in [registry, try await place.makeRegistry()] {
        guard case .held(let execution, let holder) = try await asked.claim(other) else {
          throw BatteryFailure("a held execution", expected: "held", found: "claimed")
        }
        try expect("execution", execution.pipelineID, is: "one")
        try expect("holder", holder.owner, is: .current())
      }
      try expect(
        "holder", try await place.makeRegistry().executions(of: nil).first?.holder?.owner,
        is: .current())
      try await registry.end(lease, error: "x", at: time(3))
      let (_, resumed) = try await claimed(other, on: try await place.makeRegistry())
      try expect("attempt", resumed.attempt, is: 2)
    },

    RegistryCheck("of many that want an execution one gets it") { place in
      let registry = try await place.makeRegistry()
      try await registry.prepare()
      let outcomes = try await withThrowingTaskGroup(of: PipelineClaimOutcome.self) { group in
        let registries = [registry, try await place.makeRegistry(), try await place.makeRegistry()]
        for number in 0..<9 {
          group.addTask { try await registries[number % 3].claim(claim("e\(number)")) }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      let winners = outcomes.count { if case .claimed = $0 { true } else { false } }
      try expect("how many got it", winners, is: 1)
    },

    RegistryCheck("nothing is recorded under a lease that was given back") { place in
      let registry = try await place.makeRegistry()
      try await registry.prepare()
      let (lease, _) = try await claimed(claim("one"), on: registry)
      var saved = CheckpointChecks.checkpoint(1)
      saved.pipelineID = "one"
      try await registry.record(saved, under: lease)
      try await registry.end(lease, error: nil, at: time(2))
      try await expectOvertaken("a record under a lease that was given back") {
        try await registry.record(CheckpointChecks.checkpoint(2), under: lease)
      }
      try expect(
        "checkpoints", try await registry.checkpoints(CheckpointFilter()).map(\.id), is: [saved.id])
      // Ending twice changes nothing.
      try await registry.end(lease, error: "late", at: time(3))
      try expect("status", try await registry.executions(of: nil).first?.status, is: .completed)
    },

    RegistryCheck("an owner that was overtaken can do nothing more") { place in
      guard place.hasLeases else { return }
      let old = try await place.makeRegistry()
      try await old.prepare()
      let (lease, _) = try await claimed(claim("one"), on: old)
      var taking = claim("two")
      taking.takeOver = true
      taking.owner.pid = 4_711
      let new = try await place.makeRegistry()
      let (_, taken) = try await claimed(taking, on: new)
      try expect("id", taken.pipelineID, is: "one")
      try await expectOvertaken("a record") {
        try await old.record(CheckpointChecks.checkpoint(1), under: lease)
      }
      try await expectOvertaken("a renewal") {
        try await old.renew(lease, duration: .seconds(60))
      }
      try await old.end(lease, error: nil, at: time(3))
      try expect("status", try await new.executions(of: nil).first?.status, is: .running)
      try expect("checkpoints", try await new.checkpoints(CheckpointFilter()).count, is: 0)
    },

    RegistryCheck("a lease that expired or whose owner died is free, a renewed one is not") {
      place in
      guard place.hasLeases else { return }
      let registry = try await place.makeRegistry()
      try await registry.prepare()
      var short = claim("one")
      short.leaseDuration = .milliseconds(80)
      let (lease, _) = try await claimed(short, on: registry)
      try await registry.renew(lease, duration: .seconds(600))
      try await Task.sleep(for: .milliseconds(160))
      guard case .held = try await registry.claim(short) else {
        throw BatteryFailure("a renewed lease", expected: "held", found: "claimed")
      }
      try await registry.renew(lease, duration: .milliseconds(10))
      try await Task.sleep(for: .milliseconds(60))
      var dead = claim("two")
      dead.owner.pid = .max
      let (_, second) = try await claimed(dead, on: registry)
      try expect("attempt", second.attempt, is: 2)
      let (_, third) = try await claimed(claim("three"), on: registry)
      try expect("attempt", third.attempt, is: 3)
    },

    RegistryCheck("old executions are forgotten, those that somebody works on are not") { place in
      let registry = try await place.makeRegistry()
      try await registry.prepare()
      for (number, key) in ["a", "b", "c"].enumerated() {
        var wanted = claim(key, at: number)
        wanted.key = key
        let (lease, _) = try await claimed(wanted, on: registry)
        if key != "b" { try await registry.end(lease, error: nil, at: time(number)) }
      }
      try await registry.removeExecutions(before: time(2))
      try expect(
        "executions", Set(try await registry.executions(of: nil).map(\.pipelineID)),
        is: ["b", "c"])
      try expect(
        "of another pipeline", try await registry.executions(of: "bonds").count, is: 0)
    },
  ]

  private static func time(_ second: Int) -> String { "2025-10-07T12:00:0\(second).000000Z" }

  private static func claim(_ id: String, at second: Int = 1) -> PipelineClaim {
    PipelineClaim(
      pipeline: "stocks", key: "key", inputDigest: "digest", newID: id, owner: .current(),
      leaseDuration: .seconds(600), time: time(second))
  }

  private static func claimed(
    _ claim: PipelineClaim, on registry: any StageRegistry
  ) async throws -> (PipelineLease, PipelineExecution) {
    switch try await registry.claim(claim) {
    case .claimed(let lease, let execution): return (lease, execution)
    case .held(_, let holder):
      throw BatteryFailure("a free execution", expected: "claimed", found: "held by \(holder)")
    }
  }

  private static func expectOvertaken(
    _ subject: String, by action: () async throws -> Void
  ) async throws {
    do {
      try await action()
    } catch PipelineError.overtaken {
      return
    }
    throw BatteryFailure(subject, expected: "overtaken", found: "no error")
  }
}
