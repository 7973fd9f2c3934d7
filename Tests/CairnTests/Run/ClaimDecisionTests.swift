import Testing

@testable import Cairn

/// Which run a load belongs to, as a table.
@Suite struct ClaimDecisionTests {
  private func run(
    _ number: Int, digest: String = "same", finished: Bool = false, chunks: Int = 0
  ) throws -> RunRecord {
    var counts = RowCounts()
    counts.rows = chunks * 10
    counts.inserted = chunks * 10
    let id = try #require(SyncID("sync_20250129_143022_0000000\(number)"))
    return RunRecord(
      new: NewRun(
        syncID: id, job: "j", table: "t",
        source: SourceIdentity(fingerprint: "f", path: nil, size: nil, modifiedAt: nil),
        sourceName: "s", jobDigest: digest, resolved: "", witness: TargetWitness(text: ""),
        checkpointDirectory: nil, startedAt: ""),
      sequence: Int64(number), status: finished ? .completed : .processing, phase: "",
      attempt: 1, counts: counts, committedChunks: chunks, attemptStartedAt: "",
      completedAt: finished ? "x" : nil)
  }

  private func decide(
    _ candidates: [RunRecord], mode: LoadMode = .upsert, fresh: Bool = false,
    withoutRows: [RunRecord] = []
  ) -> ClaimDecision {
    ClaimDecision.decide(
      candidates: candidates,
      ofThisJob: Set(candidates.filter { $0.new.jobDigest == "same" }.map(\.syncID)),
      withoutRows: Set(withoutRows.map(\.syncID)), mode: mode, fresh: fresh)
  }

  @Test func nothingThere() { #expect(decide([]) == .begin(abandoning: [])) }

  @Test func sameJob() throws {
    let unfinished = try run(1, chunks: 2)
    let finished = try run(2, finished: true, chunks: 2)
    #expect(decide([unfinished]) == .resume(unfinished.syncID))
    #expect(decide([finished]) == .alreadyLoaded(finished.syncID))
    #expect(decide([unfinished], mode: .append) == .resume(unfinished.syncID))
    #expect(decide([finished], mode: .append) == .alreadyLoaded(finished.syncID))
  }

  @Test func changedJob() throws {
    let idle = try run(1, digest: "other")
    let committed = try run(2, digest: "other", chunks: 1)
    let finished = try run(3, digest: "other", finished: true, chunks: 1)
    #expect(decide([idle]) == .begin(abandoning: [idle.syncID]))
    #expect(decide([committed]) == .refuseChangedJob(committed.syncID))
    #expect(decide([finished]) == .begin(abandoning: []))
    #expect(decide([committed], mode: .append) == .refuseChangedJob(committed.syncID))
    #expect(decide([finished], mode: .append) == .refuseAppendTwice(finished.syncID))
  }

  @Test func fresh() throws {
    let unfinished = try run(1, chunks: 2)
    let idle = try run(2)
    let finished = try run(3, finished: true, chunks: 2)
    #expect(decide([unfinished], fresh: true) == .begin(abandoning: [unfinished.syncID]))
    #expect(decide([finished], fresh: true) == .begin(abandoning: [finished.syncID]))
    #expect(decide([unfinished], mode: .append, fresh: true) == .refuseFresh(unfinished.syncID))
    #expect(decide([finished], mode: .append, fresh: true) == .refuseFresh(finished.syncID))
    // Its rows were deleted: nothing would be there twice.
    #expect(
      decide([finished], mode: .append, fresh: true, withoutRows: [finished])
        == .begin(abandoning: [finished.syncID]))
    #expect(
      decide([unfinished, finished], mode: .append, fresh: true, withoutRows: [unfinished])
        == .refuseFresh(finished.syncID))
    #expect(
      decide([idle], mode: .append, fresh: true) == .begin(abandoning: [idle.syncID]))
  }
}
