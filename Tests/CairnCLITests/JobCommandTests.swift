import Cairn
import CairnSQLite
import CairnTesting
import CommandParts
import Foundation
import Testing

/// `cairn job status | pause | unpause | reset | history | metrics` and `cairn health`.
@Suite struct JobCommandTests {
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

    /// Runs a job; repository 4 fails, if told to.
    func work(failing: Bool) async throws {
      let source = ScriptedSource(ScriptedWorld(repos: 6, items: 12)) { request in
        guard failing, request.partition.name == "org/repo-4" else { return nil }
        throw CursorSourceError.transient("502 Bad Gateway")
      }
      let options = CursorJobOptions(
        interval: .seconds(3600), policy: CheckpointPolicy(records: 5), skipsBackoff: true)
      _ = try await CursorJob(name: "scripted", source: source, into: sink, options: options).run()
    }

    func members(_ outcome: ChildOutcome) throws -> [[String: Any]] {
      let found = try JSONSerialization.jsonObject(with: Data(outcome.standardOutput.utf8))
      return try #require(found as? [[String: Any]])
    }
  }

  @Test func `status, history and metrics answer the usual questions`() async throws {
    let place = try Place()
    #expect(try await place.cairn("job", "status").exitCode == 0)
    try await place.work(failing: true)
    let status = try #require(
      try place.members(try await place.cairn("job", "status", "--json")).first)
    #expect(status["job_name"] as? String == "scripted")
    #expect(status["job_type"] as? String == "scripted")
    #expect(status["status"] as? String == "FAILED")
    #expect(status["retry_count"] as? Int == 1)
    #expect((status["error_message"] as? String)?.contains("502 Bad Gateway") == true)
    #expect(status["phase"] as? String == "items")
    #expect(status["partitions"] as? Int == 7)
    #expect(status["partitions_over"] as? Int == 6)
    #expect((status["checkpoints"] as? [Any])?.count == 3)
    try await place.work(failing: false)
    let text = try await place.cairn("job", "status", "scripted").standardOutput
    #expect(text.contains("scripted  scripted  FINISHED  next run 2"))
    #expect(text.contains("7 of 7 partitions"))
    let history = try place.members(
      try await place.cairn("job", "history", "scripted", "--json", "--kind", "failed"))
    #expect(history.count == 1)
    #expect((history[0]["detail"] as? String)?.contains("502 Bad Gateway") == true)
    let told = try await place.cairn("job", "history", "scripted").standardOutput
      .split(separator: "\n")
    #expect(told.contains { $0.contains(#/  finished  [0-9,]+ records  /#) }, "\(told)")
    #expect(told.contains { $0.contains(#/  checkpoint  .*  [0-9.]+ k?B$/#) }, "\(told)")
    let misspelt = try await place.cairn("job", "history", "--kind", "faild")
    #expect(misspelt.exitCode == 64)
    #expect(misspelt.standardError.contains("failed"))
    let metrics = try #require(
      try place.members(try await place.cairn("job", "metrics", "--json")).first)
    let figures = try #require(metrics["metrics"] as? [String: Any])
    #expect(figures["recovery_success_rate"] as? Double == 1)
    #expect(figures["data_consistency_rate"] as? Double == 1)
    #expect((figures["average_checkpoint_size"] as? Double ?? 0) > 500)
  }

  @Test func `pause, unpause and reset`() async throws {
    let place = try Place()
    try await place.work(failing: true)
    #expect(try await place.cairn("job", "pause", "scripted").exitCode == 0)
    #expect(
      try await place.cairn("job", "status").standardOutput.contains("PAUSED"))
    #expect(try await place.cairn("job", "unpause", "scripted").exitCode == 0)
    let reset = try place.members(try await place.cairn("job", "reset", "scripted", "--json"))
    #expect(reset.first?["retry_count"] as? Int == 0)
    let asides = try #require(reset.first?["checkpoints"] as? [[String: Any]])
    #expect(asides.allSatisfy { $0["is_aside"] as? Bool == true })
    let unknown = try await place.cairn("job", "pause", "scriptd")
    #expect(unknown.exitCode == 64)
    #expect(unknown.standardError.contains("knows no job 'scriptd'; there are scripted"))
  }

  @Test func `health has an exit code`() async throws {
    let place = try Place()
    try await place.work(failing: false)
    let well = try await place.cairn("health")
    #expect(well.exitCode == 0)
    let storage = try #require(well.standardOutput.split(separator: "\n").first)
    #expect(storage.hasPrefix("checkpoint_storage_usage  "), "\(storage)")
    #expect(storage.contains("B, at most 104.9 MB  well"), "\(storage)")
    try await place.sink.record(
      [JobFact(.corruptCheckpoint, detail: "generation 3: it is damaged")], of: "scripted")
    let ill = try await place.cairn("health", "--json")
    #expect(ill.exitCode == 1)
    let found = try #require(
      try JSONSerialization.jsonObject(with: Data(ill.standardOutput.utf8)) as? [String: Any])
    #expect(found["is_well"] as? Bool == false)
    let measures = try #require(found["measures"] as? [[String: Any]])
    #expect(measures.count == 4)
    #expect(measures.map { $0["unit"] as? String } == ["bytes", "count", "count", "count"])
    #expect(measures.last?["name"] as? String == "checkpoint_corruption_incidents")
    #expect(measures.last?["is_well"] as? Bool == false)
    #expect(try await place.cairn("health", "--max-corruption", "1").exitCode == 0)
  }

  @Test func `run says what it cannot do`() async throws {
    let place = try Place()
    try place.workplace.write(
      "job: x\ntype: githbu\nsink: { url: 'sqlite:x.db' }\n", to: "x.yaml")
    let wrong = try await place.cairn("job", "run", "x.yaml")
    #expect(wrong.exitCode == 64)
    #expect(wrong.standardError.contains("x.yaml:2:7: type: 'githbu' is not known"))
    #expect(try await place.cairn("job", "run").exitCode == 64)
    let due = try await place.cairn("job", "run", "--due", "--json")
    #expect(due.exitCode == 0)
    #expect(due.standardOutput == "[]\n")
    try await place.work(failing: false)
    let program = try await place.cairn("job", "run", "scripted")
    #expect(program.exitCode == 64)
    #expect(program.standardError.contains("has no job file: a program runs it"))
  }

  /// Enters a job that the sink knows by its file, and no more.
  private func enter(_ name: String, _ file: String, _ place: Place) async throws {
    try await place.sink.prepareState()
    _ = try await place.sink.registerJob(
      NewJob(
        name: name, type: "jira", scopeDigest: "", interval: .seconds(60),
        file: place.workplace.file(file)))
  }

  @Test func `a file that is gone keeps no other job from running`() async throws {
    let place = try Place()
    try await enter("gone", "gone.yaml", place)
    try await enter("there", "there.yaml", place)
    try place.workplace.write(
      """
      job: there
      type: jira
      sink: { url: 'sqlite:state.db' }
      jira:
        url: "http://127.0.0.1:1"
        email: somebody@example.org
        token: secret

      retry: { attempts: 1, give_up_after: 1 }
      """, to: "there.yaml")
    let due = try await place.cairn("job", "run", "--due")
    #expect(due.standardError.contains("gone is not run, its file cannot be read"))
    #expect(due.standardError.contains("cairn job pause gone"))
    // The other was begun, and found nobody to talk to.
    let attempt = try #require(try await place.sink.jobs(named: ["there"]).first)
    #expect(attempt.attempt == 1, "\(due.standardError)")
    #expect(due.exitCode != 0)
    let plan = try await place.cairn("job", "run", "--due", "--plan")
    #expect(plan.standardError.contains("gone is not run"))
    _ = try await place.cairn("job", "pause", "gone")
    let resumed = try await place.cairn("job", "resume", "--plan")
    #expect(!resumed.standardError.contains("gone"))
    #expect(resumed.standardOutput.contains("there"))
  }

  @Test func `a job that is worked on is not due`() async throws {
    let place = try Place()
    try await enter("busy", "busy.yaml", place)
    // This process is alive, and has it.
    let known = try await place.sink.jobs(named: ["busy"]).first
    let request = JobLeaseRequest(
      job: "busy", run: SyncID(environment: .live), witness: JobWitness(known, standing: nil),
      owner: .current(), duration: .seconds(60), takeOver: false)
    guard case .acquired(let lease, _) = try await place.sink.acquireJob(request) else {
      Issue.record("not acquired")
      return
    }
    let due = try await place.cairn("job", "run", "--due")
    #expect(due.exitCode == 0)
    #expect(due.standardError.contains("no job is due"))
    try await place.sink.release(lease)
    // Now it is, and its file is not there.
    #expect(try await place.cairn("job", "run", "--due").standardError.contains("busy is not run"))
  }
}
