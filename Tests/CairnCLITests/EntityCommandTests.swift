import Cairn
import CairnSQLite
import CairnTesting
import CommandParts
import Foundation
import Testing

/// `cairn checkpoints active | effectiveness | stale` and `cairn advise`.
@Suite struct EntityCommandTests {
  private struct Boom: Error {}

  private struct Place {
    let workplace: Workplace
    let sink: SQLiteSink

    init() throws {
      workplace = try Workplace()
      sink = SQLiteSink(path: workplace.file("state.db"))
    }

    func cairn(_ arguments: String...) async throws -> ChildOutcome {
      try await ChildProcess(
        workplace.command(arguments + ["--into", "sqlite:state.db"])
      ).wait()
    }

    /// Works through 450 entities; fails at a position, if told to.
    func work(_ partition: String, failingAt position: Int? = nil, size: Int = 50) async throws {
      let processor = Processor(
        "stats", into: sink,
        options: ProcessorOptions(stateFolder: workplace.file("checkpoints"), inlineStateLimit: 0))
      try await processor.forEachBatch(
        of: (0..<450).map { "g\($0)" }, id: \.self, partition: partition, size: .entities(size)
      ) { batch in
        if batch.positions.lowerBound == position { throw Boom() }
        return BatchResult(state: [1, 2, 3])
      }
    }

    func members(_ outcome: ChildOutcome) throws -> [[String: Any]] {
      let found = try JSONSerialization.jsonObject(with: Data(outcome.standardOutput.utf8))
      return try #require(found as? [[String: Any]])
    }
  }

  @Test func `active, effectiveness and stale answer the usual questions`() async throws {
    let place = try Place()
    #expect(try await place.cairn("checkpoints", "active").exitCode == 0)
    try? await place.work("2025-01-29", failingAt: 300)
    try? await place.work("2025-01-30", failingAt: 150)
    let active = try await place.cairn("checkpoints", "active", "--json")
    let found = try place.members(active)
    #expect(found.count == 2)
    let first = try #require(found.first { $0["partition"] as? String == "2025-01-29" })
    #expect(first["processor_name"] as? String == "stats")
    #expect(first["entities_completed"] as? Int == 300)
    #expect(first["total_entities"] as? Int == 450)
    #expect(first["pct_complete"] as? Double == 66.7)
    #expect(first["last_entity_id"] as? String == "g299")
    #expect(first["checkpoint_key"] as? String == "stats:2025-01-29")
    let text = try await place.cairn("checkpoints", "active").standardOutput
    #expect(text.contains("stats") && text.contains("66.7") && text.contains("Boom()"))

    // Nothing has been completed: nothing was saved.
    #expect(
      try place.members(try await place.cairn("checkpoints", "effectiveness", "--json")).isEmpty)
    try await place.work("2025-01-29")
    let effective = try place.members(
      try await place.cairn("checkpoints", "effectiveness", "--json"))
    #expect(effective.count == 1)
    #expect(effective.first?["processor_name"] as? String == "stats")
    #expect(effective.first?["checkpoint_resumptions"] as? Int == 1)
    #expect(effective.first?["avg_entities_saved"] as? Double == 300)
    #expect(effective.first?["avg_entities_remaining"] as? Double == 150)
    #expect(effective.first?["avg_pct_saved"] as? Double == 66.7)

    #expect(try place.members(try await place.cairn("checkpoints", "stale", "--json")).isEmpty)
    let stale = try await place.cairn("checkpoints", "stale", "--older-than", "0", "--json")
    #expect(try place.members(stale).map { $0["partition"] as? String } == ["2025-01-30"])
    #expect(place.workplace.names("checkpoints").count == 1)
    let cleaned = try await place.cairn("checkpoints", "stale", "--older-than", "0", "--clean")
    #expect(cleaned.exitCode == 0)
    #expect(cleaned.standardError.contains("1 cleaned"))
    #expect(place.workplace.names("checkpoints").isEmpty)
    #expect(try await place.sink.entityCheckpoints(EntityCheckpointFilter()).isEmpty)
    #expect(
      try await place.sink.entityAttempts(EntityAttemptFilter(limit: 1)).first?.ending == .cleaned)
  }

  @Test func `advice about a processor says when there is too little history`() async throws {
    let place = try Place()
    for day in 1...3 { try await place.work("day \(day)") }
    let few = try await place.cairn("advise", "stats")
    #expect(few.exitCode == 0)
    #expect(few.standardOutput.contains("too little history to tell: 3 attempts of 20"))
    for day in 4...20 { try await place.work("day \(day)") }
    let enough = try place.members(try await place.cairn("advise", "stats", "--json"))
    #expect(enough.first?["verdict"] as? String == "failures_are_rare")
    #expect(enough.first?["worthwhile"] as? Bool == false)
    #expect(enough.first?["is_cost_measured"] as? Bool == true)
    for day in 21...24 {
      try? await place.work("day \(day)", failingAt: 200)
      try await place.work("day \(day)")
    }
    let failing = try place.members(try await place.cairn("advise", "stats", "--json"))
    // 4 of 28 fail in mid-run; a run takes milliseconds.
    #expect(failing.first?["verdict"] as? String == "too_short")
    let all = try await place.cairn("advise")
    #expect(all.standardOutput.contains("stats") && all.standardOutput.contains("just retry"))
    let none = try await place.cairn("advise", "nothing")
    #expect(none.exitCode == 64)
    #expect(none.standardError.contains("has no history of 'nothing'"))
  }

  @Test func `advice about a job reads its runs and ledger`() async throws {
    let place = try Place()
    try place.workplace.write("id,n\n1,2\n3,4\n", to: "data.csv")
    let loaded = try await ChildProcess(
      place.workplace.command([
        "load", "data.csv", "--into", "sqlite:state.db", "--table", "t", "--key", "id",
      ])
    ).wait()
    #expect(loaded.exitCode == 0, "\(loaded.standardError)")
    let advice = try place.members(try await place.cairn("advise", "--json"))
    let figures = try #require(advice.first?["figures"] as? [String: Any])
    #expect(figures["attempts"] as? Int == 1)
    #expect(figures["units"] as? Int == 2)
    #expect(advice.first?["verdict"] as? String == "too_little_history")
    #expect(advice.first?["is_cost_measured"] as? Bool == false)
  }

  @Test func `a load that is in the batches' way is given up by its id`() async throws {
    let place = try Place()
    try await place.sink.prepareState()
    let run = SyncID(environment: .live)
    let began = try await place.sink.begin(
      NewRun(
        syncID: run, job: "documents", table: "stats",
        source: SourceIdentity(fingerprint: "f", path: nil, size: nil, modifiedAt: nil),
        sourceName: "f.dat", jobDigest: "d", resolved: "{}", witness: TargetWitness(text: ""),
        checkpointDirectory: nil, startedAt: "2025-01-29T14:30:22.000Z"),
      owner: .current(), leaseDuration: .seconds(600))
    guard case .began(_, let lease) = began else {
      Issue.record("\(began)")
      return
    }
    let held = try await place.cairn("cleanup", "\(run)")
    #expect(held.exitCode == 69, "\(held.standardError)")
    try await place.sink.release(lease)
    let dry = try await place.cairn("cleanup", "\(run)", "--dry-run")
    #expect(dry.standardOutput.hasPrefix("would abandon  \(run)"))
    let done = try await place.cairn("cleanup", "\(run)")
    #expect(done.exitCode == 0 && done.standardOutput.hasPrefix("abandoned  \(run)"))
    let records = try await place.sink.runs(RunFilter(includesAbandoned: true))
    #expect(records.map { $0.abandonedAt != nil } == [true])
    #expect(try await place.cairn("cleanup", "\(run)").standardOutput.hasPrefix("nothing to do"))
    #expect(try await place.cairn("cleanup", "\(run)", "--older-than", "1h").exitCode == 64)
    #expect(try await place.cairn("cleanup", "\(SyncID(environment: .live))").exitCode == 1)
  }
}
