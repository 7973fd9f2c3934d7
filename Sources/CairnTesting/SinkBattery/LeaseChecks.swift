internal import Cairn

/// Leases and fences.
enum LeaseChecks {
  static let all = [
    SinkCheck("a held lease is given to nobody else, and its holder named") { place in
      let sink = try await place.makeSink()
      let run = try await Scripted.begin(1, Scripted.target(), [], on: sink)
      let outcome = try await place.makeSink().acquireLease(
        of: run.record.syncID, owner: Scripted.otherOwner, duration: .seconds(60),
        takeOver: false)
      guard case .held(let holder) = outcome else {
        throw BatteryFailure("a held lease", expected: "held", found: "\(outcome)")
      }
      try expect("holder", holder.owner, is: Scripted.owner)
      try expect("fence of the holder", holder.fence, is: 1)
      try expect("attempt", try await sink.runs(RunFilter()).first?.attempt, is: 1)
    },

    SinkCheck("a lease that was given back is free, its fence rises, the attempt counts") {
      place in
      let sink = try await place.makeSink()
      let run = try await Scripted.begin(
        1, Scripted.target(), [[Scripted.row("a")]], on: sink)
      try await sink.release(run.lease)
      try expect("holder", try await sink.runs(RunFilter()).first?.holder, is: nil)
      try await expectRefusal("a commit without a lease", "fenced") {
        try await run.commit(0, to: sink)
      } _: {
        $0.isFenced
      }
      let (lease, record) = try await acquired(run, on: sink)
      try expect("fence", lease.fence, is: 2)
      try expect("attempt", record.attempt, is: 2)
      try expect("holder", record.holder?.owner, is: Scripted.otherOwner)
    },

    SinkCheck("an expired lease is free, and a renewed one is not") { place in
      let sink = try await place.makeSink()
      let run = try await Scripted.begin(
        1, Scripted.target(), [[Scripted.row("a")]], on: sink, leaseDuration: .milliseconds(60))
      try await sink.renew(run.lease, duration: .seconds(600))
      try await Task.sleep(for: .milliseconds(120))
      let held = try await sink.acquireLease(
        of: run.record.syncID, owner: Scripted.otherOwner, duration: .seconds(60),
        takeOver: false)
      guard case .held = held else {
        throw BatteryFailure("a renewed lease", expected: "held", found: "\(held)")
      }
      try await sink.renew(run.lease, duration: .milliseconds(20))
      try await Task.sleep(for: .milliseconds(80))
      let (lease, _) = try await acquired(run, on: sink)
      try expect("fence", lease.fence, is: 2)
      try await expectRefusal("renewing a lease that was lost", "fenced") {
        try await sink.renew(run.lease, duration: .seconds(60))
      } _: {
        $0.isFenced
      }
    },

    SinkCheck("a dead owner of this host is taken over at once, a living one is not") { place in
      let sink = try await place.makeSink()
      let living = LeaseOwner.current()
      var dead = living
      dead.pid = .max
      let run = try await Scripted.begin(1, Scripted.target(), [], on: sink, owner: dead)
      let outcome = try await sink.acquireLease(
        of: run.record.syncID, owner: living, duration: .seconds(60), takeOver: false)
      guard case .acquired = outcome else {
        throw BatteryFailure("the lease of a dead owner", expected: "acquired", found: "\(outcome)")
      }
      let second = try await sink.acquireLease(
        of: run.record.syncID, owner: Scripted.otherOwner, duration: .seconds(60),
        takeOver: false)
      guard case .held = second else {
        throw BatteryFailure("the lease of a living owner", expected: "held", found: "\(second)")
      }
    },

    SinkCheck("an owner that was overtaken can do nothing more") { place in
      let old = try await place.makeSink()
      let run = try await Scripted.begin(
        1, Scripted.target(), [[Scripted.row("a", 1)], [Scripted.row("b", 2)]], on: old)
      try await run.commit(0, to: old)
      let staged = try await old.stage(try run.work(1))
      let new = try await place.makeSink()
      let outcome = try await new.acquireLease(
        of: run.record.syncID, owner: Scripted.otherOwner, duration: .seconds(600),
        takeOver: true)
      guard case .acquired(let lease, _) = outcome else {
        throw BatteryFailure("taking over", expected: "acquired", found: "\(outcome)")
      }
      let attempts: [(String, @Sendable () async throws -> Void)] = [
        ("commit", { _ = try await staged.commit(under: run.lease, rejectAllowance: .max) }),
        (
          "update",
          { try await old.update(RunUpdate(status: .failed, phase: "x"), under: run.lease) }
        ),
        ("end mark", { try await old.recordEnd(run.end, of: run.record.syncID, under: run.lease) }),
        ("renewal", { try await old.renew(run.lease, duration: .seconds(60)) }),
        ("finish", { try await run.finish(on: old, as: .partialSuccess) }),
      ]
      for (name, attempt) in attempts {
        try await expectRefusal("\(name) of an owner that was overtaken", "fenced") {
          try await attempt()
        } _: { error in
          guard case .fenced(let holder) = error else { return false }
          return holder.owner == Scripted.otherOwner
        }
      }
      // The fence alone does not do: the token is compared too.
      var forged = lease
      forged.token = run.lease.token
      try await expectRefusal("a commit with the right fence and a wrong token", "fenced") {
        _ = try await staged.commit(under: forged, rejectAllowance: .max)
      } _: {
        $0.isFenced
      }
      try await old.release(run.lease)
      let record = try await new.runs(RunFilter()).first
      try expect("holder after the old one's release", record?.holder?.fence, is: lease.fence)
      try expect("chunks", record?.committedChunks, is: 1)
      try await Scripted.expectRows(
        run.target, [Scripted.cells("a", 1)], at: place, "rows after all that")
      var successor = run
      successor.lease = lease
      try await successor.commit(1, to: new)
    },

    SinkCheck("of many that want a free lease one gets it") { place in
      let sink = try await place.makeSink()
      let run = try await Scripted.begin(1, Scripted.target(), [], on: sink)
      try await sink.release(run.lease)
      let outcomes = try await withThrowingTaskGroup(of: LeaseOutcome.self) { group in
        for number in 1...6 {
          group.addTask {
            try await place.makeSink().acquireLease(
              of: run.record.syncID,
              owner: LeaseOwner(host: "elsewhere", pid: Int32(number), processStart: "x"),
              duration: .seconds(60), takeOver: false)
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      let winners = outcomes.filter { if case .acquired = $0 { true } else { false } }
      try expect("how many got it", winners.count, is: 1)
    },
  ]

  private static func acquired(
    _ run: ScriptedRun, on sink: any Sink
  ) async throws -> (Lease, RunRecord) {
    let outcome = try await sink.acquireLease(
      of: run.record.syncID, owner: Scripted.otherOwner, duration: .seconds(60), takeOver: false)
    guard case .acquired(let lease, let record) = outcome else {
      throw BatteryFailure("a free lease", expected: "acquired", found: "\(outcome)")
    }
    return (lease, record)
  }
}
