internal import Cairn

/// The commit of a chunk: rows, mark, rejects and counts together, once.
enum CommitChecks {
  static let all = [
    SinkCheck("a commit brings rows, rejects, counts and mark") { place in
      let sink = try await place.makeSink()
      let target = Scripted.target()
      let run = try await Scripted.begin(
        1, target,
        [
          [Scripted.row("a", 1, "x"), .rejected, Scripted.row("b", nil, "y")],
          [Scripted.row("c", 3)],
        ], on: sink)
      try Scripted.expectCommitted(
        try await run.commit(0, to: sink),
        Scripted.counts(rows: 3, inserted: 2, rejected: 1))
      try await run.commit(1, to: sink)
      try await Scripted.expectRows(
        target,
        [Scripted.cells("a", 1, "x"), Scripted.cells("b", nil, "y"), Scripted.cells("c", 3)],
        at: place)
      let ledger = try await place.makeSink().ledger(of: run.record.syncID)
      try expect(
        "extents in the ledger", ledger.map(\.source),
        is: [try run.work(0).source, try run.work(1).source])
      try expect("fences in the ledger", ledger.map(\.fence), is: [1, 1])
      try expect("chunks in the ledger", ledger.map(\.chunk), is: [0, 1])
      try expect(
        "rejects", try await sink.rejects(of: run.record.syncID, offset: 0, limit: 10),
        is: try run.work(0).rejects)
      let record = try await sink.runs(RunFilter()).first
      try expect("chunks of the run", record?.committedChunks, is: 2)
      try expect(
        "counts of the run", record?.counts, is: Scripted.counts(rows: 4, inserted: 3, rejected: 1))
    },

    SinkCheck("a chunk that is committed again changes nothing", committedAgain),

    SinkCheck("of many that commit one chunk at once one does") { place in
      let sink = try await place.makeSink()
      let target = Scripted.target(.append)
      let run = try await Scripted.begin(
        1, target, [[Scripted.row("a"), Scripted.row("b")]], on: sink)
      let outcomes = try await withThrowingTaskGroup(of: CommitOutcome.self) { group in
        for _ in 0..<6 {
          group.addTask { try await run.commit(0, to: try await place.makeSink()) }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      let committed = outcomes.filter { if case .committed = $0 { true } else { false } }
      try expect("how many committed", committed.count, is: 1)
      try await Scripted.expectRows(
        target, [Scripted.cells("a"), Scripted.cells("b")], at: place)
    },

    SinkCheck("a chunk without rows is committed too") { place in
      let sink = try await place.makeSink()
      let run = try await Scripted.begin(1, Scripted.target(), [[], [.rejected]], on: sink)
      try Scripted.expectCommitted(
        try await run.commit(0, to: sink), Scripted.counts(rows: 0))
      try Scripted.expectCommitted(
        try await run.commit(1, to: sink), Scripted.counts(rows: 1, rejected: 1))
    },

    SinkCheck("staged chunks overlap, are dropped, and are committed in any order") { place in
      let sink = try await place.makeSink()
      let target = Scripted.target()
      let run = try await Scripted.begin(
        1, target, [[Scripted.row("a", 1)], [Scripted.row("b", 2)], [Scripted.row("c", 3)]],
        on: sink)
      let first = try await sink.stage(try run.work(0))
      let second = try await sink.stage(try run.work(1))
      let third = try await sink.stage(try run.work(2))
      await second.discard()
      _ = try await third.commit(under: run.lease, rejectAllowance: .max)
      _ = try await first.commit(under: run.lease, rejectAllowance: .max)
      try await Scripted.expectRows(
        target, [Scripted.cells("a", 1), Scripted.cells("c", 3)], at: place)
      try expect("ledger", try await sink.ledger(of: run.record.syncID).map(\.chunk), is: [0, 2])
    },
  ]

  private static let committedAgain: @Sendable (SinkPlace) async throws -> Void = { place in
    for mode in LoadMode.allCases {
      let sink = try await place.makeSink()
      let target = Scripted.target(mode, name: "again_\(mode.rawValue)")
      let number = LoadMode.allCases.firstIndex(of: mode).map { $0 + 1 } ?? 0
      let run = try await Scripted.begin(
        number, target, [[Scripted.row("a", 1), .rejected, Scripted.row("b", 2)]], on: sink)
      let early = try await sink.stage(try run.work(0))
      let first = try await run.commit(0, to: sink)
      let other = try await place.makeSink()
      for outcome in [
        try await early.commit(under: run.lease, rejectAllowance: .max),
        try await run.commit(0, to: other),
      ] {
        guard case .alreadyCommitted(let entry) = outcome else {
          throw BatteryFailure(
            "the same chunk again (\(mode.rawValue))", expected: "alreadyCommitted",
            found: "\(outcome)")
        }
        try expect("its entry", entry, is: first.entry)
      }
      try expect(
        "rejects", try await sink.rejects(of: run.record.syncID, offset: 0, limit: 9).count, is: 1)
      try await sink.recordEnd(run.end, of: run.record.syncID, under: run.lease)
      try await run.finish(on: sink)
      try await Scripted.expectRows(
        target, [Scripted.cells("a", 1), Scripted.cells("b", 2)], at: place,
        "rows, \(mode.rawValue)")
    }
  }
}
