import Cairn
import Foundation
import Testing

@Suite struct RecoveryPlanTests {
  private static let policy = RetryPolicy(
    minimumBackoff: .seconds(30), maximumBackoff: .seconds(3600))
  private static let holder = LeaseHolder(
    owner: LeaseOwner(host: "h", pid: 1, processStart: "s"), fence: 1, expiresAt: "x")

  private func plan(
    _ status: JobStatus, _ checkpoint: CheckpointStanding, retries: Int = 0,
    _ change: (inout RecoveryPlan.Standing) -> Void = { _ in }
  ) -> RecoveryPlan {
    var standing = RecoveryPlan.Standing(
      status: status, checkpoint: checkpoint, isOfThisRun: false, retryCount: retries,
      sinceEnd: .zero)
    change(&standing)
    return RecoveryPlan.of(standing, backoff: Self.policy)
  }

  /// The table of docs/jobs.md is this function's.
  @Test func `the truth table of the docs holds`() throws {
    var root = URL(fileURLWithPath: #filePath)
    for _ in 0..<4 { root.deleteLastPathComponent() }
    let text = try String(
      contentsOf: root.appendingPathComponent("docs/jobs.md"), encoding: .utf8)
    var lines: [String] = []
    for status in [JobStatus.pending, .running, .finished, .failed, .paused] {
      for checkpoint in [CheckpointStanding.none, .unfinished, .finished, .invalid] {
        for retries in [0, 2] {
          let plan = plan(status, checkpoint, retries: retries)
          let begins =
            switch plan.basis {
            case .nothing: "all records are read"
            case .checkpoint: "the run goes on after its cursors"
            case .restart: "the run begins anew"
            case .lastRun: "what changed since the last run"
            }
          let does =
            switch plan.obstacle {
            case nil: begins
            case .paused: "does not run: it is paused"
            case .held: "does not run: another process has it"
            case .invalidCheckpoint: "an error that names `cairn job reset`"
            }
          lines.append(
            "| \(status.rawValue) | \(checkpoint.rawValue) | \(retries == 0 ? "0" : "1 or more") |"
              + " \(plan.obstacle == nil ? "`\(plan.kind.name)`" : "–") | \(does) |")
        }
      }
    }
    for line in lines { #expect(text.contains(line), "docs/jobs.md lacks: \(line)") }
  }

  /// In every case where that is safe, it runs.
  @Test func `it runs whatever the status unless it is paused`() {
    for status in JobStatus.allCases where status != .paused {
      for checkpoint in CheckpointStanding.allCases where checkpoint != .invalid {
        for retries in [0, 1, 9] {
          #expect(plan(status, checkpoint, retries: retries).obstacle == nil)
        }
      }
    }
  }

  @Test func `a failed job that was never retried goes on from its checkpoint`() {
    let plan = plan(.failed, .unfinished, retries: 0)
    #expect(plan.kind == .checkpointResume)
    #expect(plan.basis == .checkpoint)
  }

  @Test func `a killed job goes on from its checkpoint`() {
    #expect(plan(.running, .unfinished).kind == .checkpointResume)
    #expect(plan(.running, .none).kind == .freshStart)
    #expect(plan(.running, .finished).kind == .normal)
    // Killed between its last commit and its end.
    let ended = plan(.running, .finished) { $0.isOfThisRun = true }
    #expect(ended.basis == .checkpoint)
  }

  @Test func `waits double, up to the longest, and count from the last end`() {
    #expect(
      plan(.failed, .unfinished, retries: 1).kind == .retryWithBackoff(after: .seconds(30)))
    #expect(
      plan(.failed, .unfinished, retries: 3).kind == .retryWithBackoff(after: .seconds(120)))
    #expect(
      plan(.failed, .unfinished, retries: 30).kind == .retryWithBackoff(after: .seconds(3600)))
    let later = plan(.failed, .none, retries: 3) { $0.sinceEnd = .seconds(100) }
    #expect(later.kind == .retryWithBackoff(after: .seconds(20)))
    #expect(later.basis == .nothing)
    let long = plan(.failed, .finished, retries: 3) { $0.sinceEnd = .seconds(1_000) }
    #expect(long.kind == .retryWithBackoff(after: .zero))
    #expect(long.basis == .lastRun)
    // One that was stopped meanwhile does not wait.
    #expect(plan(.pending, .unfinished, retries: 3).kind == .checkpointResume)
  }

  @Test func `complete restart keeps the checkpoint for reference`() {
    for status in [JobStatus.pending, .running, .failed] {
      let plan = plan(status, .unfinished) { $0.recovery = .restart }
      #expect(plan.kind == .freshStart)
      #expect(plan.basis == .restart)
    }
    let normal = plan(.finished, .finished) { $0.recovery = .restart }
    #expect(normal.kind == .normal)
  }

  @Test func `another scope reads everything`() {
    for checkpoint in [CheckpointStanding.unfinished, .finished] {
      let plan = plan(.finished, checkpoint) { $0.scopeChanged = true }
      #expect(plan.kind == .freshStart)
      #expect(plan.reason.contains("scope"))
    }
  }

  @Test func `who has it, and what is not valid, keeps it from running`() {
    let held = plan(.running, .unfinished) { $0.holder = Self.holder }
    #expect(held.obstacle == .held(Self.holder))
    let invalid = plan(.paused, .invalid)
    #expect(invalid.obstacle == .invalidCheckpoint)
  }

  // MARK: Searches for deleted records

  @Test func `searches are due by runs or by time`() {
    let day: Int64 = 86_400_000_000_000
    let sweep = JobCheckpoint.Sweep(lastAt: 0, runsSince: 2)
    #expect(!DeletionPolicy.ignore.isDue(after: sweep, now: 100 * day))
    #expect(!DeletionPolicy.weekly.isDue(after: nil, now: 100 * day))
    #expect(!DeletionPolicy.weekly.isDue(after: sweep, now: 6 * day))
    #expect(DeletionPolicy.weekly.isDue(after: sweep, now: 7 * day))
    let third = DeletionPolicy.sweep(everyRuns: 3, interval: nil)
    #expect(third.isDue(after: sweep, now: 0))
    #expect(!third.isDue(after: JobCheckpoint.Sweep(lastAt: 0, runsSince: 1), now: 100 * day))
    let either = DeletionPolicy.sweep(everyRuns: 10, interval: .seconds(86_400))
    #expect(either.isDue(after: sweep, now: day))
    #expect(!either.isDue(after: sweep, now: day - 1))
  }
}

@Suite struct JobFiguresTests {
  private static let run = SyncID(
    environment: RunEnvironment(
      now: { 1_737_023_400_000_000_000 }, random: { 7 }, sleep: { _ in }))

  private func fact(
    _ kind: JobFact.Kind, at: String = "2025-01-16T10:00:00Z", attempt: Int = 1,
    detail: String? = nil, amount: Int? = nil, seconds: Double? = nil
  ) -> JobFact {
    JobFact(
      kind, job: "j", run: Self.run, attempt: attempt, at: at, detail: detail, amount: amount,
      seconds: seconds)
  }

  @Test func `the five figures`() throws {
    let metrics = JobMetrics.of([
      fact(.checkpoint, at: "2025-01-16T10:00:00Z", amount: 1_000),
      fact(.checkpoint, at: "2025-01-16T10:01:00Z", amount: 2_000),
      fact(.checkpoint, at: "2025-01-16T10:02:00Z", amount: 3_000),
      // Another attempt; the hours between them count for nothing.
      fact(.checkpoint, at: "2025-01-16T20:00:00Z", attempt: 2, amount: 2_000),
      fact(.recovered, attempt: 2, seconds: 2), fact(.recovered, attempt: 3, seconds: 4),
      fact(.recovered, attempt: 4, seconds: 6), fact(.recoveryFailed, attempt: 5),
      fact(.consistent), fact(.consistent), fact(.consistent),
      fact(.inconsistent), fact(.started),
    ])
    #expect(metrics.checkpointFrequency == 60)
    #expect(metrics.averageCheckpointSize == 2_000)
    #expect(metrics.recoverySuccessRate == 0.75)
    #expect(metrics.timeToRecovery == 4)
    #expect(metrics.dataConsistencyRate == 0.75)
    let none = JobMetrics.of([])
    #expect(none == JobMetrics())
  }

  @Test func `four measures against thresholds`() {
    let well = JobHealth.of([fact(.recoveryFailed), fact(.recoveryFailed)], storage: ["j": 100])
    #expect(well.isWell)
    #expect(well.issues.isEmpty)
    #expect(
      well.measures.map(\.name) == [
        "checkpoint_storage_usage", "checkpoint_validation_failures", "recovery_failures",
        "checkpoint_corruption_incidents",
      ])
    let ill = JobHealth.of(
      [
        fact(.recoveryFailed), fact(.recoveryFailed), fact(.recoveryFailed),
        fact(.invalidCheckpoint), fact(.corruptCheckpoint, detail: "generation 3: it is damaged"),
      ], storage: ["j": 60, "k": 50],
      thresholds: JobHealth.Thresholds(storageUsage: 100))
    #expect(ill.measures.map(\.value) == [110, 1, 3, 1])
    #expect(ill.measures.allSatisfy { !$0.isWell })
    #expect(
      ill.issues.first
        == "Checkpoint health issue: checkpoint_storage_usage = 110 bytes (at most 100)")
    #expect(ill.measures[3].details == ["2025-01-16T10:00:00Z j: generation 3: it is damaged"])
  }
}
