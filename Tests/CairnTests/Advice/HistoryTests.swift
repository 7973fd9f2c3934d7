import Testing

@testable import Cairn

@Suite struct HistoryTests {
  private func entry(_ chunk: Int, rows: UInt64, fence: Int64, at time: String) -> LedgerEntry {
    let start = SourcePosition(
      chunk: chunk, offset: UInt64(chunk) * 100, row: UInt64(chunk) * rows, line: 1)
    let end = SourcePosition(
      chunk: chunk + 1, offset: UInt64(chunk + 1) * 100, row: UInt64(chunk + 1) * rows, line: 1)
    return LedgerEntry(
      source: RecordedExtent(extent: ChunkExtent(start: start, end: end), contentDigest: ""),
      counts: RowCounts(), fence: fence, committedAt: time)
  }

  private func run(
    attempt: Int, status: RunStatus, phase: String = "processing", completedAt: String? = nil,
    holder: LeaseHolder? = nil
  ) throws -> RunRecord {
    RunRecord(
      new: NewRun(
        syncID: try #require(SyncID("sync_20250129_143022_a3f4b2c1")), job: "j", table: "t",
        source: SourceIdentity(fingerprint: "f", path: nil, size: nil, modifiedAt: nil),
        sourceName: "s", jobDigest: "", resolved: "", witness: TargetWitness(text: ""),
        checkpointDirectory: nil, startedAt: "2025-01-29T10:00:00Z"),
      sequence: 1, status: status, phase: phase, attempt: attempt,
      end: SourceEnd(
        position: SourcePosition(chunk: 4, offset: 400, row: 4_000, line: 1)),
      attemptStartedAt: "2025-01-29T11:00:00.000Z", completedAt: completedAt, holder: holder)
  }

  @Test func `attempts of a load are told apart by their fence`() throws {
    let ledger = [
      entry(0, rows: 1_000, fence: 1, at: "2025-01-29T10:00:30.000Z"),
      entry(1, rows: 1_000, fence: 1, at: "2025-01-29T10:01:00.500Z"),
      entry(2, rows: 1_000, fence: 3, at: "2025-01-29T11:00:20.000Z"),
      entry(3, rows: 1_000, fence: 3, at: "2025-01-29T11:00:40.000Z"),
    ]
    let past = History(runs: [
      (try run(attempt: 3, status: .completed, completedAt: "2025-01-29T11:00:50.000Z"), ledger)
    ])
    #expect(past.attempts.map(\.ending) == [.failed, .failed, .completed])
    #expect(past.attempts.map(\.unitsBefore) == [0, 2_000, 2_000])
    #expect(past.attempts.map(\.unitsAfter) == [2_000, 2_000, 4_000])
    #expect(past.attempts.map(\.marks) == [2, 0, 2])
    #expect(past.attempts.map(\.seconds) == [60.5, 0, 50])
    #expect(past.attempts.allSatisfy { $0.unitsTotal == 4_000 && $0.markSeconds == nil })
    let figures = HistoryFigures(past, now: past.attempts[0].startedAt + 7 * 86_400)
    #expect(figures.failures == 2)
    #expect(figures.midRunFailures == 2)
    #expect(figures.runsPerWeek == 1)
    #expect(figures.duration == 110.5)
  }

  @Test func `a load that is under way, was stopped, or failed`() throws {
    let owner = LeaseOwner(host: "h", pid: 1, processStart: "x")
    let holder = LeaseHolder(owner: owner, fence: 1, expiresAt: "2025-01-29T12:00:00Z")
    #expect(
      History(runs: [(try run(attempt: 1, status: .processing, holder: holder), [])]).attempts
        .isEmpty)
    let stopped = History(runs: [
      (try run(attempt: 1, status: .processing, phase: "stopped"), [])
    ])
    #expect(stopped.attempts.map(\.ending) == [.stopped])
    let failed = History(runs: [(try run(attempt: 1, status: .failed), [])])
    #expect(failed.attempts.map(\.ending) == [.failed])
  }

  private func attempt(
    _ ending: EntityAttempt.Ending, _ number: Int, saved: Int, completed: Int, run: String = "a"
  ) throws -> EntityAttempt {
    EntityAttempt(
      syncID: try #require(SyncID("sync_20250129_143022_a3f4b2c\(run)")), processor: "p",
      partition: "d", attempt: number, ending: ending, entitiesSaved: saved,
      entitiesCompleted: completed, totalEntities: 450, lastEntityID: "", batches: 1,
      markSeconds: 0.1, startedAt: "2025-01-29T10:00:00.000Z",
      endedAt: "2025-01-29T10:01:00.000Z", seconds: 60)
  }

  @Test func `what becomes of a checkpoint is no attempt`() throws {
    let past = History(entityAttempts: [
      try attempt(.completed, 2, saved: 300, completed: 450),
      try attempt(.crashed, 1, saved: 0, completed: 300),
      try attempt(.expired, 1, saved: 0, completed: 300, run: "b"),
      try attempt(.cleaned, 1, saved: 0, completed: 300, run: "c"),
    ])
    #expect(past.attempts.map(\.ending) == [.completed, .failed])
  }

  @Test func `effectiveness counts what completed runs went on from`() throws {
    let found = CheckpointEffectiveness.of([
      try attempt(.completed, 3, saved: 400, completed: 450),
      try attempt(.crashed, 2, saved: 300, completed: 400),
      try attempt(.crashed, 1, saved: 0, completed: 300),
      // A run that never completed, and one that was never interrupted.
      try attempt(.crashed, 2, saved: 100, completed: 200, run: "b"),
      try attempt(.completed, 1, saved: 0, completed: 450, run: "c"),
    ])
    #expect(
      found == [
        CheckpointEffectiveness(
          processorName: "p", checkpointResumptions: 2, avgEntitiesSaved: 350,
          avgEntitiesRemaining: 100, avgPctSaved: 77.8)
      ])
  }

  @Test func `times with and without a fraction`() {
    #expect(SinkTime.seconds(of: "1970-01-01T00:00:10Z") == 10)
    #expect(SinkTime.seconds(of: "1970-01-01T00:00:10.250Z") == 10.25)
    #expect(SinkTime.seconds(of: "yesterday") == nil)
  }
}
