internal import Cairn

/// Entity batches and loads into the same table.
enum EntityLoadChecks {
  static let all = [
    SinkCheck("a batch does not come between the chunks of a load, and lands after its end") {
      place in
      let sink = try await EntityChecks.entitySink(place)
      var earlier = try await EntityRun.begin(2, at: place, partition: "earlier")
      try await earlier.commit(0..<1, rows: [Scripted.cells("c", 1)])
      // It dies after its first chunk. The second has a key of the batch that is computed meanwhile.
      let load = try await Scripted.begin(
        9, Scripted.target(), [[Scripted.row("b", 1)], [Scripted.row("a", 1)]], on: sink)
      try await load.commit(0, to: sink)
      var run = try await EntityRun.begin(at: place)
      try await expectRefusal(by: load, "a batch before the load's end") {
        try await run.commit(0..<2, rows: [Scripted.cells("a", 2), Scripted.cells("b", 2)])
      }
      try expect("entities that are done", try await run.checkpoint().completed.count, is: 0)
      try await Scripted.expectRows(
        load.target, [Scripted.cells("b", 1), Scripted.cells("c", 1)], at: place)
      // A mark alone is in nobody's way, and what was committed before the load began stays so.
      try await run.commit(5..<6)
      earlier.completed = CompletedRanges()
      let again = try await earlier.commit(0..<1, rows: [Scripted.cells("c", 1)])
      guard case .alreadyCommitted = again else {
        throw BatteryFailure("the same again", expected: "alreadyCommitted", found: "\(again)")
      }
      try await load.commit(1, to: sink)
      try await expectRefusal(by: load, "a batch before the load's finish") {
        try await run.commit(0..<2, rows: [Scripted.cells("a", 2), Scripted.cells("b", 2)])
      }
      try await sink.recordEnd(load.end, of: load.record.syncID, under: load.lease)
      try await load.finish(on: sink)
      try await run.commit(0..<2, rows: [Scripted.cells("a", 2), Scripted.cells("b", 2)])
      try await Scripted.expectRows(
        load.target,
        [Scripted.cells("a", 2), Scripted.cells("b", 2), Scripted.cells("c", 1)], at: place)
    },

    SinkCheck("a batch waits until a load that failed is abandoned, and for no other table's") {
      place in
      let sink = try await EntityChecks.entitySink(place)
      let load = try await Scripted.begin(
        9, Scripted.target(), [[Scripted.row("a", 1)], [Scripted.row("a", 1)]], on: sink)
      try await load.commit(1, to: sink)
      try await sink.recordEnd(load.end, of: load.record.syncID, under: load.lease)
      var only = try await EntityRun.begin(2, at: place, mode: .insertOnly, partition: "only")
      var run = try await EntityRun.begin(at: place)
      for status in [RunStatus.failed, .partialSuccess] {
        try await sink.update(
          RunUpdate(status: status, phase: "processing", error: "chunk 0"), under: load.lease)
        try await expectRefusal(by: load, "a batch after a load that is \(status)") {
          try await run.commit(0..<1, rows: [Scripted.cells("a", 2)])
        }
        try await expectRefusal(by: load, "one of insert_only after a load that is \(status)") {
          try await only.commit(0..<1, rows: [Scripted.cells("a", 2)])
        }
      }
      var other = try await EntityRun.begin(3, at: place, table: "other", partition: "other")
      try await other.commit(0..<1, rows: [Scripted.cells("a", 2)])
      try await sink.release(load.lease)
      try await sink.abandon(load.record.syncID, owner: Scripted.owner)
      try await run.commit(0..<1, rows: [Scripted.cells("a", 2)])
      try await Scripted.expectRows(load.target, [Scripted.cells("a", 2)], at: place)
    },

    SinkCheck("a batch waits for a load that has yet to replace all rows") { place in
      let sink = try await EntityChecks.entitySink(place)
      let load = try await Scripted.begin(
        9, Scripted.target(.replace), [[Scripted.row("b", 1)]], on: sink)
      try await load.commit(0, to: sink)
      try await sink.recordEnd(load.end, of: load.record.syncID, under: load.lease)
      var run = try await EntityRun.begin(at: place)
      try await expectRefusal(by: load, "a batch before the load's finish") {
        try await run.commit(0..<1, rows: [Scripted.cells("a", 2)])
      }
      try await load.finish(on: sink)
      try await run.commit(0..<1, rows: [Scripted.cells("a", 2)])
      try await Scripted.expectRows(
        run.target, [Scripted.cells("a", 2), Scripted.cells("b", 1)], at: place)
    },

    SinkCheck("a load whose rows are all in their place is in no batch's way") { place in
      let sink = try await EntityChecks.entitySink(place)
      for (number, mode) in [(1, LoadMode.upsert), (2, .replace)] {
        let table = "target_\(number)"
        let load = try await Scripted.begin(
          number + 10, Scripted.target(mode, name: table), [[Scripted.row("b", 1)]], on: sink)
        try await load.commit(0, to: sink)
        try await sink.recordEnd(load.end, of: load.record.syncID, under: load.lease)
        // Views are being refreshed; then one has failed.
        try await load.finish(on: sink, as: .processing)
        var run = try await EntityRun.begin(number, at: place, table: table, partition: table)
        try await run.commit(0..<1, rows: [Scripted.cells("a", 2)])
        // It was stopped amid the views too, or an attempt at them has failed, or another has begun.
        for (position, update) in [
          RunUpdate(status: .partialSuccess, phase: "finishing", error: "view"),
          RunUpdate(status: .processing, phase: "stopped", error: "received SIGTERM"),
          RunUpdate(status: .failed, phase: "failed", error: "no answer"),
          RunUpdate(status: .processing, phase: "processing"),
        ].enumerated() {
          try await sink.update(update, under: load.lease)
          try await run.commit(
            position + 1..<position + 2, rows: [Scripted.cells("c", Int64(position) - 1)])
        }
        try await load.finish(on: sink, as: .partialSuccess)
        try await run.commit(5..<6, rows: [Scripted.cells("d", 2)])
        try await Scripted.expectRows(
          run.target,
          [
            Scripted.cells("a", 2), Scripted.cells("b", 1), Scripted.cells("c", 2),
            Scripted.cells("d", 2),
          ], at: place)
      }
    },

    SinkCheck("a load that ended without a chunk is waited for until its rows are in their place") {
      place in
      let sink = try await EntityChecks.entitySink(place)
      let load = try await Scripted.begin(
        9, Scripted.target(.replace), [[Scripted.row("a", 1)], [Scripted.row("b", 1)]], on: sink)
      try await load.commit(1, to: sink)
      try await sink.recordEnd(load.end, of: load.record.syncID, under: load.lease)
      try await load.finish(on: sink, as: .partialSuccess)
      var run = try await EntityRun.begin(at: place)
      // The chunk comes later, and then all rows are replaced.
      try await load.commit(0, to: sink)
      try await expectRefusal(by: load, "a batch before the rows are in their place") {
        try await run.commit(0..<1, rows: [Scripted.cells("c", 2)])
      }
      try await load.finish(on: sink)
      try await run.commit(0..<1, rows: [Scripted.cells("c", 2)])
      try await Scripted.expectRows(
        run.target, [Scripted.cells("a", 1), Scripted.cells("b", 1), Scripted.cells("c", 2)],
        at: place)
    },

    SinkCheck("a partition is not replaced before the end of a load; its batches go on") { place in
      let sink = try await EntityChecks.entitySink(place)
      let load = try await Scripted.begin(
        9, Scripted.target(),
        [[Scripted.row("a", 1, "monday")], [Scripted.row("b", 1, "monday")]], on: sink)
      try await load.commit(0, to: sink)
      var run = try await EntityRun.begin(at: place, mode: .replace)
      try await run.commit(0..<6, rows: [Scripted.cells("c", 2, "monday")])
      let replacement = monday
      try await expectRefusal(by: load, "replacing before the load's end") {
        try await run.end(.completed, replacement: replacement)
      }
      try await load.commit(1, to: sink)
      try await sink.recordEnd(load.end, of: load.record.syncID, under: load.lease)
      try await load.finish(on: sink)
      try await run.end(.completed, replacement: replacement)
      try await Scripted.expectRows(load.target, [Scripted.cells("c", 2, "monday")], at: place)
      // That it is replaced already is recognised, whatever has begun since.
      let next = try await Scripted.begin(
        10, Scripted.target(), [[Scripted.row("d", 1, "monday")]], on: sink)
      try await run.end(.completed, replacement: replacement)
      try await next.complete(on: sink)
      try await Scripted.expectRows(
        load.target, [Scripted.cells("c", 2, "monday"), Scripted.cells("d", 1, "monday")],
        at: place)
    },

    SinkCheck("a corrected row overwrites none of a batch") { place in
      let sink = try await EntityChecks.entitySink(place)
      for (number, mode) in [(1, LoadMode.upsert), (2, .insertOnly), (3, .replace)] {
        let target = Scripted.target(name: "target_\(number)")
        // Rejects behind more rows than the batch has.
        let load = try await Scripted.begin(
          number + 10, target,
          [
            [
              Scripted.row("x", 1, "monday"), Scripted.row("y", 1, "monday"),
              .unread(Scripted.cells("a", nil)), .unread(Scripted.cells("b", nil)),
            ]
          ], on: sink)
        try await load.complete(on: sink)
        var run = try await EntityRun.begin(
          number, at: place, table: target.name, mode: mode, partition: "\(mode)")
        try await run.commit(0..<6, rows: [Scripted.cells("a", 2, "monday")])
        var replacement = mode == .replace ? monday : nil
        replacement?.table = target.name
        try await run.end(.completed, replacement: replacement)
        let fates = try await ReplayChecks.replay(
          load, on: sink, (2, Scripted.cells("a", 1, "monday")),
          (3, Scripted.cells("b", 1, "monday")))
        try expect("fates after a batch in mode \(mode)", fates, is: [.superseded, .inserted])
        var rows = [Scripted.cells("a", 2, "monday"), Scripted.cells("b", 1, "monday")]
        if mode != .replace {
          rows += [Scripted.cells("x", 1, "monday"), Scripted.cells("y", 1, "monday")]
        }
        try await Scripted.expectRows(target, rows, at: place, "rows in mode \(mode)")
      }
    },

    SinkCheck("in insert_only a batch keeps what the last run has inserted") { place in
      let sink = try await EntityChecks.entitySink(place)
      // The key of a reject is watched, so that it stays known whose the row is.
      let load = try await Scripted.begin(
        9, Scripted.target(.insertOnly),
        [[.unread(Scripted.cells("a", nil)), Scripted.row("a", 1)]], on: sink)
      try await load.complete(on: sink)
      var run = try await EntityRun.begin(at: place, mode: .insertOnly)
      let outcome = try await run.commit(0..<1, rows: [Scripted.cells("a", 2)])
      guard case .committed(let counts, _) = outcome else {
        throw BatteryFailure("a commit", expected: "committed", found: "\(outcome)")
      }
      try expect("counts", counts, is: Scripted.counts(rows: 1, kept: 1))
      try await Scripted.expectRows(run.target, [Scripted.cells("a", 1)], at: place)
    },
  ]

  private static let monday = PartitionReplacement(
    table: "target", column: "note", value: "monday", columns: ["id", "n", "note"])

  /// Throws unless a load that is unfinished is in the way, and is named with what to do.
  private static func expectRefusal(
    by load: ScriptedRun, _ subject: String, _ action: () async throws -> Void
  ) async throws {
    let run = load.record.syncID
    do {
      try await action()
    } catch let error as SinkError {
      try expect(subject, error.unfinishedLoad, is: run)
      guard "\(error)".contains("\(run)") else {
        throw BatteryFailure("\(subject), in words", expected: "\(run)", found: "\(error)")
      }
      return
    }
    throw BatteryFailure(subject, expected: "loadUnfinished", found: "no error")
  }
}
