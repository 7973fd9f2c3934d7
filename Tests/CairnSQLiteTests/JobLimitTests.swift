import Cairn
import CairnSQLite
import CommandParts
import Foundation
import Synchronization
import Testing

/// Cursor jobs that meet a limit or a partition that fails, in one process after the other.
@Suite struct JobLimitTests: ScriptedJobTests {
  let place: ScriptedPlace

  init() throws { place = try ScriptedPlace() }

  // MARK: Limits

  @Test func `a wait beyond the deadline is when the job is due again`() async throws {
    let hours: Int64 = 3_600_000_000_000
    let until = RunEnvironment.live.now() + 2 * hours
    let later = until + hours
    let limited = job {
      $0.interval = .seconds(60)
    } before: { request in
      switch request.partition.name {
      case "org/repo-2":
        request.context.record(RateLimit(remaining: 3, reset: until))
        try await request.context.wait(until: until, for: .rateLimit(remaining: 3))
      case "org/repo-4": try await request.context.wait(until: later, for: .retryAfter)
      default: break
      }
      return nil
    }
    #expect(try await limited.run(deadline: .seconds(1_800)).exitCode == 75)
    let stopped = try await schedule()
    #expect(stopped.status == .pending)
    // Not before, and not with the later one.
    #expect(!stopped.isDue)
    let format = ISO8601DateFormatter()
    format.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
    let next = try #require(format.date(from: stopped.nextRunAt ?? ""))
    #expect(abs(next.timeIntervalSince1970 - Double(until) / 1e9) < 600)

    // The next process is told before it asks for anything.
    let recalled = Mutex<[RateLimit]>([])
    func telling(_ skips: Bool) -> CursorJob {
      var job = job {
        $0.skipsBackoff = skips
      } before: { request in
        #expect(recalled.withLock { $0.count } == (skips ? 0 : 1))
        throw CursorSourceError.fatal("no more", remedy: "")
      }
      if var source = job.source as? ScriptedSource {
        source.recalled = { limit in recalled.withLock { $0.append(limit) } }
        job.source = source
      }
      return job
    }
    _ = try? await telling(false).run()
    #expect(recalled.withLock { $0 } == [RateLimit(remaining: 3, reset: until / 1000 * 1000)])
    // Who wants it to be asked at once may have another token.
    recalled.withLock { $0 = [] }
    _ = try? await telling(true).run()
    #expect(recalled.withLock { $0 }.isEmpty)
    // By its name it runs all the same.
    #expect(try await job().run().exitCode == 0)
  }

  @Test func `a limit whose window has ended is not told`() async throws {
    _ = try await job { _ in
    } before: { request in
      request.context.record(
        RateLimit(remaining: 0, reset: RunEnvironment.live.now() - 1_000_000_000))
      return nil
    }.run()
    let recalled = Mutex(0)
    var next = job { $0.skipsBackoff = false }
    if var source = next.source as? ScriptedSource {
      source.recalled = { _ in recalled.withLock { $0 += 1 } }
      next.source = source
    }
    #expect(try await next.run().exitCode == 0)
    #expect(recalled.withLock { $0 } == 0)
  }

  @Test func `several that wait for the same limit save it once`() async throws {
    let until = RunEnvironment.live.now() + 7_200_000_000_000
    let stop = StopRequest()
    let waiting = Mutex(0)
    let job = job { options in
      options.stop = stop
      options.atOnce = 4
    } before: { request in
      guard request.partition.phase == "items" else { return nil }
      let number = waiting.withLock {
        $0 += 1; return $0
      }
      // Each a little later, as clients do that are not to ask in one moment.
      try await request.context.wait(
        until: until + Int64(number) * 60_000_000, for: .rateLimit(remaining: 0))
      return nil
    }
    _ = try await job.run { progress in
      if progress.wait != nil { stop.raise(.signal("SIGTERM")) }
    }
    #expect(waiting.withLock { $0 } == 4)
    let saved = try await sink.jobHistory(JobHistoryFilter(kinds: [.checkpoint]))
    #expect(saved.count { $0.detail == "rate_limit_reached" } == 1)
  }

  // MARK: A partition that fails again and again

  @Test func `one that failed is tried after the others, and named with a way out`() async throws {
    let asked = Mutex<[String]>([])
    func attempt(givingUpAfter failures: Int = 3) async throws -> CursorJobOutcome {
      asked.withLock { $0 = [] }
      var job = job {
        $0.atOnce = 1
        $0.retry.giveUpAfter = failures
      } before: { request in
        guard request.partition.phase == "items" else { return nil }
        asked.withLock { $0.append(request.partition.name) }
        guard request.partition.name == "org/repo-0" else { return nil }
        throw CursorSourceError.transient("502 Bad Gateway")
      }
      if var source = job.source as? ScriptedSource {
        source.leavingOut = "leave it out with exclude"
        job.source = source
      }
      return try await job.run()
    }
    // It is the first by name, and the API is given up for it.
    let first = try await attempt(givingUpAfter: 1)
    #expect(asked.withLock { $0 } == ["org/repo-0"])
    guard case .stopped(_, .sourceAway(let early)) = first else {
      Issue.record("\(first)")
      return
    }
    #expect(!early.contains("exclude"))
    _ = try await attempt()
    // All others have begun before.
    let order = asked.withLock { names in
      names.enumerated().filter { names.firstIndex(of: $0.element) == $0.offset }.map(\.element)
    }
    #expect(order.count == 6)
    #expect(order.last == "org/repo-0")
    let third = try await attempt()
    #expect(asked.withLock { Set($0) } == ["org/repo-0"])
    guard case .stopped(let report, .sourceAway(let error)) = third else {
      Issue.record("\(third)")
      return
    }
    #expect(error.contains("org/repo-0 has failed in 3 attempts in a row"))
    #expect(error.contains("leave it out with exclude"))
    #expect(report.failed.map(\.name) == ["org/repo-0"])
    // Once it answers, nothing is left of it.
    #expect(try await job().run().exitCode == 0)
    try await target.expect(small)
  }
}
