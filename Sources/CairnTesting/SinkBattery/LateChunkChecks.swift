internal import Cairn

/// Chunks that are committed after later ones.
enum LateChunkChecks {
  static let all = [
    SinkCheck("a chunk that failed and is committed late overwrites no later chunk") { place in
      let sink = try await place.makeSink()
      let target = Scripted.target()
      let run = try await Scripted.begin(
        1, target,
        [
          [Scripted.row("a", 1), Scripted.row("z", 1)],
          [Scripted.row("a", 2), Scripted.row("b", 2), Scripted.row("b", 3)],
          [Scripted.row("b", 4), Scripted.row("c", 4)],
          [Scripted.row("c", 5), Scripted.row("z", 1)],
        ], on: sink)
      try await run.commit(0, to: sink)
      try await run.commit(2, to: sink)
      try await run.commit(3, to: sink)
      // b is the third chunk's; a is not.
      try Scripted.expectCommitted(
        try await run.commit(1, to: try await place.makeSink()),
        Scripted.counts(rows: 3, updated: 1, superseded: 2), "late chunk")
      try await Scripted.expectRows(
        target,
        [
          Scripted.cells("a", 2), Scripted.cells("b", 4), Scripted.cells("c", 5),
          Scripted.cells("z", 1),
        ], at: place)
    },

    SinkCheck("a row that a later chunk left unchanged is that chunk's") { place in
      let sink = try await place.makeSink()
      let target = Scripted.target()
      try await Scripted.begin(1, target, [[Scripted.row("a", 1)]], on: sink).complete(on: sink)
      let run = try await Scripted.begin(
        2, target, [[Scripted.row("a", 2)], [Scripted.row("a", 1)]], on: sink)
      try Scripted.expectCommitted(
        try await run.commit(1, to: sink), Scripted.counts(rows: 1, unchanged: 1))
      try Scripted.expectCommitted(
        try await run.commit(0, to: sink), Scripted.counts(rows: 1, superseded: 1))
      try await Scripted.expectRows(target, [Scripted.cells("a", 1)], at: place)
    },

    SinkCheck("Monday's run resumed on Wednesday does not overwrite Tuesday's rows") { place in
      let sink = try await place.makeSink()
      let target = Scripted.target()
      var monday = try await Scripted.begin(
        1, target,
        [
          [Scripted.row("a", 1), Scripted.row("b", 1)],
          [Scripted.row("b", 1), Scripted.row("c", 1)],
        ],
        on: sink)
      try await monday.commit(0, to: sink)
      try await sink.release(monday.lease)
      let tuesday = try await Scripted.begin(
        2, target, [[Scripted.row("a", 2)], [Scripted.row("c", 2), Scripted.row("d", 2)]],
        on: try await place.makeSink())
      try await tuesday.complete(on: sink)
      let wednesday = try await place.makeSink()
      let outcome = try await wednesday.acquireLease(
        of: monday.record.syncID, owner: Scripted.otherOwner, duration: .seconds(60),
        takeOver: false)
      guard case .acquired(let lease, _) = outcome else {
        throw BatteryFailure("Monday's lease", expected: "acquired", found: "\(outcome)")
      }
      monday.lease = lease
      try Scripted.expectCommitted(
        try await monday.commit(1, to: wednesday),
        Scripted.counts(rows: 2, unchanged: 1, superseded: 1))
      try await wednesday.recordEnd(monday.end, of: monday.record.syncID, under: lease)
      try await monday.finish(on: wednesday)
      try await Scripted.expectRows(
        target,
        [
          Scripted.cells("a", 2), Scripted.cells("b", 1), Scripted.cells("c", 2),
          Scripted.cells("d", 2),
        ], at: place)
    },

    SinkCheck("a run that is partly done when a later one replaces all adds nothing after") {
      place in
      let sink = try await place.makeSink()
      let monday = try await Scripted.begin(
        1, Scripted.target(), [[Scripted.row("a", 1)], [Scripted.row("b", 1)]], on: sink)
      try await monday.commit(0, to: sink)
      let tuesday = try await Scripted.begin(
        2, Scripted.target(.replace), [[Scripted.row("c", 2)]], on: sink)
      try await tuesday.complete(on: sink)
      try Scripted.expectCommitted(
        try await monday.commit(1, to: sink), Scripted.counts(rows: 1, superseded: 1))
      try await Scripted.expectRows(
        Scripted.target(), [Scripted.cells("c", 2)], at: place)
    },

    SinkCheck("a replacing run does not undo a run that began later") { place in
      let sink = try await place.makeSink()
      let monday = try await Scripted.begin(
        1, Scripted.target(.replace), [[Scripted.row("a", 1)]], on: sink)
      try await monday.commit(0, to: sink)
      try await Scripted.begin(2, Scripted.target(), [[Scripted.row("b", 2)]], on: sink)
        .complete(on: sink)
      try await sink.recordEnd(monday.end, of: monday.record.syncID, under: monday.lease)
      try await expectRefusal("finishing the older run", "a fatal error") {
        try await monday.finish(on: sink)
      } _: {
        $0.isFatal
      }
      try await Scripted.expectRows(
        Scripted.target(), [Scripted.cells("b", 2)], at: place)
    },

    SinkCheck("insert_only: a late chunk overwrites no later chunk's row") { place in
      let sink = try await place.makeSink()
      let target = Scripted.target(.insertOnly)
      let run = try await Scripted.begin(
        1, target,
        [[Scripted.row("a", 1), Scripted.row("b", 1)], [Scripted.row("a", 2)]], on: sink)
      try await run.commit(1, to: sink)
      try Scripted.expectCommitted(
        try await run.commit(0, to: sink),
        Scripted.counts(rows: 2, inserted: 1, superseded: 1))
      try await Scripted.expectRows(
        target, [Scripted.cells("a", 2), Scripted.cells("b", 1)], at: place)
    },
  ]
}
