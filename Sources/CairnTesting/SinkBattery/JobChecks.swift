internal import Cairn

/// Cursor jobs: schedules, leases, checkpoints and history.
enum JobChecks {
  static let all = [
    SinkCheck("a sink without state has no jobs") { place in
      let sink = try await JobAttempt.sink(place)
      try expect("jobs", try await sink.jobs(named: []), is: [])
      try expect("checkpoints", try await sink.jobCheckpoints(of: "sync"), is: [])
      try expect("history", try await sink.jobHistory(JobHistoryFilter()), is: [])
    },

    SinkCheck("a job is entered once, and changes what it says of itself") { place in
      let sink = try await JobAttempt.sink(place)
      try await sink.prepareState()
      var job = JobAttempt.new("b")
      let entered = try await sink.registerJob(job)
      try expect("what was recorded", entered.job, is: job)
      try expect("status", entered.status, is: .pending)
      try expect("run", entered.run, is: nil)
      try expect("generation", entered.generation, is: 0)
      try expect("whether one without an interval is due", entered.isDue, is: false)
      _ = try await sink.registerJob(JobAttempt.new("a", interval: .seconds(60)))
      job.type = "other"
      job.scopeDigest = "wider"
      job.interval = .milliseconds(1_500)
      job.file = "jobs/b.yaml"
      let changed = try await sink.registerJob(job)
      try expect("what was changed", changed.job, is: job)
      try expect("whether it is due", changed.isDue, is: true)
      try expect("jobs", try await sink.jobs(named: []).map(\.job.name), is: ["a", "b"])
      try expect("one job", try await sink.jobs(named: ["b", "c"]), is: [changed])
    },

    SinkCheck("an attempt at a job has its lease, and the job says so") { place in
      var attempt = try await JobAttempt.begin(at: place)
      try expect("fence", attempt.lease.fence, is: 1)
      try expect("run", attempt.lease.syncID, is: try JobAttempt.run(1))
      let job = try await attempt.schedule()
      try expect("the job as it was handed out", attempt.job, is: job)
      try expect("status", job.status, is: .running)
      try expect("attempt", job.attempt, is: 1)
      try expect("run", job.run, is: attempt.lease.syncID)
      try expect("holder", job.holder?.owner, is: Scripted.owner)
      let other = try await JobAttempt.sink(place)
      let held = try await other.acquireJob(
        JobAttempt.request(run: JobAttempt.run(2), on: other, owner: Scripted.otherOwner))
      guard case .held(let holder) = held else {
        throw BatteryFailure("a job in work", expected: "held", found: "\(held)")
      }
      try expect("holder", holder.owner, is: Scripted.owner)
      let unknown = try await attempt.sink.acquireJob(
        JobAttempt.request("nobody", run: nil, on: attempt.sink))
      guard case .unknown = unknown else {
        throw BatteryFailure("another job", expected: "unknown", found: "\(unknown)")
      }
      try await attempt.sink.renew(attempt.lease, duration: .seconds(60))
      try await attempt.commit()
      try expect("history", try await attempt.history().map(\.kind), is: [.started])
    },

    SinkCheck("of many that want a job at once one has it") { place in
      let sink = try await JobAttempt.sink(place)
      try await sink.prepareState()
      _ = try await sink.registerJob(JobAttempt.new())
      let outcomes = try await withThrowingTaskGroup(of: JobLeaseOutcome.self) { group in
        for number in 1...6 {
          group.addTask {
            try await JobAttempt.sink(place).acquireJob(
              JobAttempt.request(
                run: JobAttempt.run(number), on: sink,
                owner: LeaseOwner(host: "elsewhere", pid: Int32(number), processStart: "then")))
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      let runs = outcomes.compactMap {
        if case .acquired(let it, _) = $0 { it.syncID } else { nil }
      }
      try expect("how many have it", runs.count, is: 1)
      let held = outcomes.filter { if case .held = $0 { true } else { false } }
      try expect("how many are refused", held.count, is: 5)
      try expect("the job's run", try await sink.jobs(named: []).first?.run, is: runs.first)
    },

    SinkCheck("a request that is made again gets the same lease, and another request none") {
      place in
      let first = try await JobAttempt.begin(at: place)
      try await first.end(.pending)
      // One that goes on, and one that begins a run.
      for run in [nil, try JobAttempt.run(2)] {
        let request = try await JobAttempt.request(run: run, on: first.sink)
        guard var attempt = try await JobAttempt.acquire(request, on: first.sink) else {
          throw BatteryFailure("the job's lease", expected: "acquired", found: "changed")
        }
        try await attempt.commit()
        let other = try await JobAttempt.sink(place)
        guard var again = try await JobAttempt.acquire(request, on: other) else {
          throw BatteryFailure("the same request", expected: "acquired", found: "changed")
        }
        try expect("its lease", again.lease, is: attempt.lease)
        try expect("its attempt", again.job.attempt, is: attempt.job.attempt)
        try await again.commit()
        let outcome = try await other.acquireJob(JobAttempt.request(run: run, on: other))
        guard case .held = outcome else {
          throw BatteryFailure(
            "another request of the same owner", expected: "held", found: "\(outcome)")
        }
        try await again.end(.pending)
      }
      let kinds = try await first.history().map(\.kind)
      try expect("history", kinds, is: [.started, .started, .started])
    },

    SinkCheck("what was planned before a reset, or another attempt, takes no lease") { place in
      var attempt = try await JobAttempt.begin(at: place)
      let sink = attempt.sink
      try await attempt.commit()
      try await attempt.end(.failed, error: "no answer")
      let goesOn = try await JobAttempt.request(run: nil, on: sink)
      let begins = try await JobAttempt.request(run: JobAttempt.run(2), on: sink)
      let reset = try await sink.change(.reset, of: "sync")
      for request in [goesOn, begins] {
        try await expectChanged(request, on: sink)
        let job = try await attempt.schedule()
        try expect("the run after it", job.run, is: reset.run)
        try expect("the attempt after it", job.attempt, is: reset.attempt)
        try expect("the status after it", job.status, is: .pending)
        try expect("who works on it", job.holder, is: nil)
      }
      try expect("history", try await attempt.history(.crashed), is: [])
      // The newest generation is the same, and the run is another.
      let between = try await JobAttempt.request(run: nil, on: sink)
      let other = try await JobAttempt.acquire(
        run: JobAttempt.run(3), on: JobAttempt.sink(place), owner: Scripted.otherOwner)
      let held = try await sink.acquireJob(between)
      guard case .held = held else {
        throw BatteryFailure("while it is in work", expected: "held", found: "\(held)")
      }
      try await other.end(.pending)
      try await expectChanged(between, on: sink)
      try expect("the run", try await attempt.schedule().run, is: other.lease.syncID)
    },

    SinkCheck("an owner that goes on while it is overtaken is stopped first") { place in
      var owner = try await JobAttempt.begin(at: place)
      let sink = try await JobAttempt.sink(place)
      let request = try await JobAttempt.request(
        run: nil, on: sink, owner: Scripted.otherOwner, takeOver: true)
      try await owner.commit()
      try await expectChanged(request, on: sink)
      try await expectFenced(owner)
      try expect("who works on it", try await owner.schedule().holder, is: nil)
      let attempt = try await JobAttempt.acquire(
        run: nil, on: sink, owner: Scripted.otherOwner)
      try expect("its generation", attempt.generation, is: 1)
      try expect("its attempt", attempt.job.attempt, is: 2)
      try expect("killed attempts", try await attempt.history(.crashed).map(\.attempt), is: [1])
    },

    SinkCheck("who was late when a job was paused or reset commits and ends nothing") { place in
      for (number, change) in [JobChange.pause, .reset].enumerated() {
        var late = try await JobAttempt.begin(
          number + 1, at: place, job: JobAttempt.new("late_\(number)"),
          duration: .milliseconds(40))
        try await late.commit()
        try await Task.sleep(for: .milliseconds(80))
        let changed = try await late.sink.change(change, of: late.name)
        try await expectFenced(late)
        try expect("the job after \(change)", try await late.schedule(), is: changed)
      }
      try await ScriptedRecords.expectRows(ScriptedRecords.pulls, [], at: place)
    },

    SinkCheck("a checkpoint is kept to the letter") { place in
      var attempt = try await JobAttempt.begin(at: place)
      let data = #"{ "z": 1.0,  "a": "é\u0000ü", "a": 10000000000000000000000, "t": "\t'\"" }"#
      let fact = JobFact(.checkpoint, detail: "page", amount: data.utf8.count, seconds: 0.25)
      try await attempt.commit(JobWork(rows: []), data: data, facts: [fact])
      let found = try await attempt.sink.jobCheckpoints(of: "sync")
      try expect("data", found.map(\.data), is: [data])
      try expect("digest", found.map(\.digest), is: ["digest of \(data)"])
      try expect("generation", found.map(\.generation), is: [1])
      try expect("run", found.map(\.run), is: [attempt.lease.syncID])
      let job = try await attempt.schedule()
      try expect("newest generation", job.generation, is: 1)
      guard let at = job.lastCheckpointAt, at.count == 24, at.hasSuffix("Z") else {
        throw BatteryFailure(
          "time of the checkpoint", expected: "2025-01-29T14:30:22.000Z",
          found: "\(job.lastCheckpointAt as Any)")
      }
      guard let noted = try await attempt.history(.checkpoint).first else {
        throw BatteryFailure("history", expected: "a checkpoint", found: "none")
      }
      try expect("run of the fact", noted.run, is: attempt.lease.syncID)
      try expect("attempt of the fact", noted.attempt, is: 1)
      try expect("detail of the fact", noted.detail, is: "page")
      try expect("amount of the fact", noted.amount, is: data.utf8.count)
      try expect("seconds of the fact", noted.seconds, is: 0.25)
    },

    SinkCheck("a generation is committed once, and none before the one it follows") { place in
      var attempt = try await JobAttempt.begin(at: place)
      let pulls = try ScriptedRecords.rows(
        ScriptedRecords.pulls, [ScriptedRecords.pull(1, "one")])
      let before = attempt
      try await attempt.commit(pulls)
      try await place.probe.execute("UPDATE api_pulls SET title = 'touched'")
      var again = before
      let repeated = try await again.commit(JobWork(rows: [pulls]))
      try expect("the same again", repeated.isAlreadyCommitted, is: true)
      again = before
      try await expectRefusal("another checkpoint of that generation", "fatal") {
        try await again.commit(JobWork(rows: [pulls]), data: "{}")
      } _: {
        $0.isFatal
      }
      var ahead = attempt
      ahead.generation = 4
      let behind = try await ahead.commit(JobWork(rows: [pulls]))
      try expect("what the sink has", behind.generationBehind, is: 1)
      try await ScriptedRecords.expectRows(
        ScriptedRecords.pulls, [ScriptedRecords.pull(1, "touched")], at: place)
      try await attempt.commit()
      try await attempt.commit()
      try expect("newest generation", try await attempt.schedule().generation, is: 3)
    },

    SinkCheck("three generations are kept, and three of those that were moved aside") { place in
      var attempt = try await JobAttempt.begin(at: place)
      for _ in 1...5 { try await attempt.commit() }
      try await expectCheckpoints([5, 4, 3], aside: [], of: attempt)
      try await attempt.end(.pending)
      let reset = try await attempt.sink.change(.reset, of: "sync")
      try expect("newest generation after a reset", reset.generation, is: 5)
      try await expectCheckpoints([], aside: [5, 4, 3], of: attempt)
      attempt = try await JobAttempt.acquire(run: JobAttempt.run(2), on: attempt.sink)
      for _ in 1...2 { try await attempt.commit() }
      try await expectCheckpoints([7, 6], aside: [5, 4, 3], of: attempt)
      try await attempt.end(.finished)
      _ = try await attempt.sink.change(.reset, of: "sync")
      try await expectCheckpoints([], aside: [7, 6, 5], of: attempt)
    },

    SinkCheck("a job whose owner was killed is gone on with, and the history says so") { place in
      var dead = LeaseOwner.current()
      dead.pid = .max
      var killed = try await JobAttempt.begin(at: place, owner: dead)
      try await killed.commit()
      try expect("who works on it", try await killed.schedule().holder, is: nil)
      var attempt = try await JobAttempt.acquire(
        run: nil, on: JobAttempt.sink(place), owner: .current())
      try expect("run", attempt.lease.syncID, is: killed.lease.syncID)
      try expect("fence", attempt.lease.fence, is: 2)
      try expect("attempt", attempt.job.attempt, is: 2)
      try await expectFenced(killed)
      try await attempt.commit()
      try expect("newest generation", try await attempt.schedule().generation, is: 2)
      let history = try await attempt.history()
      try expect("history", history.map(\.kind), is: [.started, .crashed, .started])
      try expect("attempts", history.map(\.attempt), is: [2, 1, 1])
    },

    SinkCheck("who has taken a job over, or begun its next run, commits alone") { place in
      var first = try await JobAttempt.begin(at: place)
      try await first.commit()
      let other = try await JobAttempt.sink(place)
      var second = try await JobAttempt.acquire(
        run: nil, on: other, owner: Scripted.otherOwner, takeOver: true)
      try await expectFenced(first)
      try await second.commit()
      let third = try await JobAttempt.acquire(
        run: JobAttempt.run(2), on: first.sink, owner: Scripted.owner, takeOver: true)
      try expect("attempt at the next run", third.job.attempt, is: 1)
      try expect("its run", third.job.run, is: try JobAttempt.run(2))
      try expect("its generation", third.generation, is: 2)
      try await expectFenced(first)
      try await expectFenced(second)
      try await third.end(.finished)
      try expect("status", try await third.schedule().status, is: .finished)
      let crashed = try await third.history(.crashed)
      try expect("killed attempts", crashed.map(\.attempt), is: [2, 1])
      try expect("their run", Set(crashed.map(\.run)), is: [first.lease.syncID])
    },

    SinkCheck("attempts end in three ways, told once") { place in
      var attempt = try await JobAttempt.begin(
        at: place, job: JobAttempt.new(interval: .seconds(600)))
      try await attempt.end(.failed, error: "no answer", facts: [JobFact(.failed, detail: "x")])
      try await attempt.end(.failed, error: "no answer", facts: [JobFact(.failed, detail: "x")])
      var job = try await attempt.schedule()
      try expect("status", job.status, is: .failed)
      try expect("error", job.error, is: "no answer")
      try expect("failures in a row", job.retryCount, is: 1)
      try expect("whether it is due", job.isDue, is: true)
      try expect("holder", job.holder, is: nil)
      try expect("how often it is told", try await attempt.history(.failed).count, is: 1)
      guard let age = job.sinceEnd, age >= .zero, age < .seconds(60) else {
        throw BatteryFailure("age", expected: "some ms", found: "\(job.sinceEnd as Any)")
      }
      attempt = try await JobAttempt.acquire(run: nil, on: attempt.sink)
      try await attempt.end(.failed, error: "still none", nextRunIn: .seconds(60))
      job = try await attempt.schedule()
      try expect("failures in a row", job.retryCount, is: 2)
      try expect("whether it is due", job.isDue, is: false)
      attempt = try await JobAttempt.acquire(run: nil, on: attempt.sink)
      try await attempt.end(.pending, error: "the deadline passed")
      job = try await attempt.schedule()
      try expect("status", job.status, is: .pending)
      try expect("failures in a row after a stop", job.retryCount, is: 2)
      try expect("whether it is due", job.isDue, is: true)
      attempt = try await JobAttempt.acquire(run: nil, on: attempt.sink)
      try expect("attempt", attempt.job.attempt, is: 4)
      try await attempt.end(.finished)
      job = try await attempt.schedule()
      try expect("status", job.status, is: .finished)
      try expect("error", job.error, is: nil)
      try expect("failures in a row", job.retryCount, is: 0)
      try expect("whether it is due", job.isDue, is: false)
      try await expectFenced(attempt, hasEnded: true)
      try expect("killed attempts", try await attempt.history(.crashed), is: [])
    },

    SinkCheck("no run is finished whose pages the database has lost") { place in
      var attempt = try await JobAttempt.begin(at: place)
      try await attempt.commit()
      try await expectRefusal("an end after what is not there", "incomplete") {
        try await attempt.end(.finished, generation: 2)
      } _: {
        $0.isIncomplete
      }
      try await expectRefusal("an end that is none", "fatal") {
        try await attempt.end(.running)
      } _: {
        $0.isFatal
      }
      try expect("status", try await attempt.schedule().status, is: .running)
      try await attempt.end(.finished, generation: 1)
      try expect("status", try await attempt.schedule().status, is: .finished)
    },

    SinkCheck("a job is due by its interval, and without one when it is unfinished") { place in
      let attempt = try await JobAttempt.begin(
        at: place, job: JobAttempt.new("quick", interval: .milliseconds(300)))
      try await attempt.end(.finished)
      let ended = try await attempt.schedule()
      guard let next = ended.nextRunAt, ended.isDue || next > "2025" else {
        throw BatteryFailure(
          "next run", expected: "in 300 ms", found: "\(ended.nextRunAt as Any)")
      }
      try await Task.sleep(for: .milliseconds(320))
      try expect("after its interval", try await attempt.schedule().isDue, is: true)
      // A longer one counts from the last end.
      let slower = try await attempt.sink.registerJob(
        JobAttempt.new("quick", interval: .seconds(600)))
      try expect("with a longer interval", slower.isDue, is: false)
      let single = try await JobAttempt.begin(2, at: place, job: JobAttempt.new("single"))
      try expect("while it is unfinished", try await single.schedule().isDue, is: true)
      try await single.end(.finished)
      let done = try await single.schedule()
      try expect("next run without an interval", done.nextRunAt, is: nil)
      try expect("whether that is due", done.isDue, is: false)
    },

    SinkCheck("a job is paused, let go on, and reset, but not while it is in work") { place in
      var attempt = try await JobAttempt.begin(
        at: place, job: JobAttempt.new(interval: .seconds(600)))
      try await attempt.commit()
      for change in [JobChange.pause, .unpause, .reset] {
        try await expectRefusal("\(change) while it is in work", "fenced") {
          _ = try await attempt.sink.change(change, of: "sync")
        } _: {
          $0.isFenced
        }
      }
      try await attempt.end(.failed, error: "no answer")
      let paused = try await attempt.sink.change(.pause, of: "sync")
      try expect("status", paused.status, is: .paused)
      try expect("whether it is due", paused.isDue, is: false)
      let refused = try await attempt.sink.acquireJob(
        JobAttempt.request(run: nil, on: attempt.sink, takeOver: true))
      guard case .paused = refused else {
        throw BatteryFailure("a paused job", expected: "paused", found: "\(refused)")
      }
      _ = try await attempt.sink.change(.pause, of: "sync")
      let unpaused = try await attempt.sink.change(.unpause, of: "sync")
      try expect("status", unpaused.status, is: .failed)
      try expect("failures in a row", unpaused.retryCount, is: 1)
      try expect("generation", unpaused.generation, is: 1)
      let reset = try await attempt.sink.change(.reset, of: "sync")
      try expect("status", reset.status, is: .pending)
      try expect("failures in a row", reset.retryCount, is: 0)
      try expect("error", reset.error, is: nil)
      try expect("whether it is due", reset.isDue, is: true)
      try await expectCheckpoints([], aside: [1], of: attempt)
      try expect(
        "what was told", try await attempt.history(.changed).map(\.detail),
        is: ["reset", "unpaused", "paused", "paused"])
      try await expectRefusal("a change of an unknown job", "fatal") {
        _ = try await attempt.sink.change(.pause, of: "nobody")
      } _: {
        $0.isFatal
      }
    },

    SinkCheck("facts are kept and found, latest first") { place in
      let attempt = try await JobAttempt.begin(at: place)
      try await attempt.sink.record(
        [
          JobFact(.corruptCheckpoint, detail: "generation 3", amount: 3),
          JobFact(.recoveryFailed, run: try JobAttempt.run(7), attempt: 4),
        ], of: "sync")
      let found = try await attempt.history(.recoveryFailed, .corruptCheckpoint)
      try expect("kinds", found.map(\.kind), is: [.recoveryFailed, .corruptCheckpoint])
      try expect("runs", found.map(\.run), is: [try JobAttempt.run(7), attempt.lease.syncID])
      try expect("attempts", found.map(\.attempt), is: [4, 1])
      try expect("jobs", found.map(\.job), is: ["sync", "sync"])
      let sink = attempt.sink
      let count: (JobHistoryFilter) async throws -> Int = { filter in
        try await sink.jobHistory(filter).count
      }
      try expect("all", try await count(JobHistoryFilter()), is: 3)
      try expect("at most one", try await count(JobHistoryFilter(limit: 1)), is: 1)
      try expect("of another job", try await count(JobHistoryFilter(job: "other")), is: 0)
      try expect("of a minute", try await count(JobHistoryFilter(within: .seconds(60))), is: 3)
      try await Task.sleep(for: .milliseconds(30))
      try expect("of no time", try await count(JobHistoryFilter(within: .milliseconds(5))), is: 0)
    },
  ]

  /// Throws unless a request takes no lease, since the job is not as it was looked at.
  private static func expectChanged(
    _ request: JobLeaseRequest, on sink: any CursorJobSink
  ) async throws {
    let outcome = try await sink.acquireJob(request)
    guard case .changed = outcome else {
      throw BatteryFailure("an old plan", expected: "changed", found: "\(outcome)")
    }
  }

  /// Throws unless an attempt can neither commit nor end any more.
  ///
  /// - Parameter hasEnded: Whether it has ended by itself: saying so again changes nothing.
  static func expectFenced(_ attempt: JobAttempt, hasEnded: Bool = false) async throws {
    if !hasEnded {
      for status in [JobStatus.finished, .failed] {
        try await expectRefusal("the end of a former owner's attempt", "fenced") {
          try await attempt.end(status)
        } _: {
          $0.isFenced
        }
      }
    }
    var late = attempt
    try await expectRefusal("a page of a former owner", "fenced") {
      try await late.commit(
        try ScriptedRecords.rows(ScriptedRecords.pulls, [ScriptedRecords.pull(99, "late")]))
    } _: {
      $0.isFenced
    }
    let lease = attempt.lease
    try await expectRefusal("a renewal by a former owner", "fenced") {
      try await attempt.sink.renew(lease, duration: .seconds(60))
    } _: {
      $0.isFenced
    }
  }

  /// Throws unless a job has just these generations.
  static func expectCheckpoints(
    _ kept: [Int], aside: [Int], of attempt: JobAttempt
  ) async throws {
    let found = try await attempt.sink.jobCheckpoints(of: attempt.name)
    try expect("generations", found.filter { !$0.isAside }.map(\.generation), is: kept)
    try expect("those aside", found.filter(\.isAside).map(\.generation), is: aside)
  }
}
