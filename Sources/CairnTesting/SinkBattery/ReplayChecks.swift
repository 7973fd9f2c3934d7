internal import Cairn

/// Corrected rows that come back.
enum ReplayChecks {
  static func replay(
    _ run: ScriptedRun, on sink: any Sink, _ rows: (row: UInt64, cells: [CellValue])...
  ) async throws -> [ReplayFate] {
    let found = try await sink.runs(RunFilter(syncID: run.record.syncID))
    guard let record = found.first else {
      throw BatteryFailure("the run", expected: "one", found: "none")
    }
    return try await sink.replay(
      Replay(
        run: record, target: run.target,
        batch: try RecordBatch(columns: run.target.columns, rows: rows.map(\.cells)),
        rows: rows.map(\.row)))
  }

  static let all = [
    SinkCheck("corrected rows land, and their rejects are settled once") { place in
      let sink = try await place.makeSink()
      let run = try await Scripted.begin(
        1, Scripted.target(),
        [
          [Scripted.row("a", 1), .unread(Scripted.cells("a", nil)), .rejected],
          [.unread(Scripted.cells("b", nil)), Scripted.row("c", 1)],
        ], on: sink)
      try await run.complete(on: sink)
      // Row 1 is newer than row 0 of its key; row 2 had no key; row 3's is new.
      let fates = try await replay(
        run, on: sink, (1, Scripted.cells("a", 2)), (2, Scripted.cells("d", 2)),
        (3, Scripted.cells("b", 2)))
      try expect("fates", fates, is: [.updated, .inserted, .inserted])
      let rows = [
        Scripted.cells("a", 2), Scripted.cells("b", 2), Scripted.cells("c", 1),
        Scripted.cells("d", 2),
      ]
      try await Scripted.expectRows(run.target, rows, at: place)
      try expect(
        "fates of what is settled or no reject",
        try await replay(
          run, on: sink, (1, Scripted.cells("a", 3)), (4, Scripted.cells("c", 3))),
        is: [.notOpen, .notOpen])
      try await Scripted.expectRows(run.target, rows, at: place)
      let rejects = try await sink.rejects(of: run.record.syncID, offset: 0, limit: 10)
      try expect("words", rejects.map(\.replayed), is: ["updated", "inserted", "inserted"])
    },

    SinkCheck("a corrected row overwrites no newer one") { place in
      let sink = try await place.makeSink()
      let first = try await Scripted.begin(
        1, Scripted.target(),
        [
          [
            .unread(Scripted.cells("a", nil)), Scripted.row("a", 5),
            .unread(Scripted.cells("b", nil)), .unread(Scripted.cells("c", nil)),
            .unread(Scripted.cells("d", nil)), Scripted.row("e", 1), .rejected,
          ],
          [Scripted.row("b", 6)],
        ], on: sink)
      try await first.complete(on: sink)
      let second = try await Scripted.begin(
        2, Scripted.target(), [[Scripted.row("c", 7)]], on: sink)
      try await second.complete(on: sink)
      // A row that changes nothing is newer all the same.
      let third = try await Scripted.begin(
        3, Scripted.target(), [[Scripted.row("a", 5), Scripted.row("c", 7)]], on: sink)
      try await third.complete(on: sink)
      let fates = try await replay(
        first, on: sink, (0, Scripted.cells("a", 1)), (2, Scripted.cells("b", 1)),
        (3, Scripted.cells("c", 1)), (4, Scripted.cells("d", 1)), (6, Scripted.cells("e", 9)))
      // Row 6 had no key that could be watched.
      try expect(
        "fates", fates, is: [.superseded, .superseded, .superseded, .inserted, .unknownAge])
      try await Scripted.expectRows(
        first.target,
        [
          Scripted.cells("a", 5), Scripted.cells("b", 6), Scripted.cells("c", 7),
          Scripted.cells("d", 1), Scripted.cells("e", 1),
        ], at: place)
    },

    SinkCheck("a corrected row of a late chunk overwrites none of a chunk after it") { place in
      let sink = try await place.makeSink()
      let run = try await Scripted.begin(
        1, Scripted.target(),
        [
          [.unread(Scripted.cells("a", nil)), .unread(Scripted.cells("b", nil))],
          [Scripted.row("a", 5)],
        ], on: sink)
      try await run.commit(1, to: sink)
      // What it watches was written before.
      try await run.commit(0, to: sink)
      try await sink.recordEnd(run.end, of: run.record.syncID, under: run.lease)
      try await run.finish(on: sink)
      try expect(
        "fates",
        try await replay(run, on: sink, (0, Scripted.cells("a", 1)), (1, Scripted.cells("b", 1))),
        is: [.superseded, .inserted])
      try await Scripted.expectRows(
        run.target, [Scripted.cells("a", 5), Scripted.cells("b", 1)], at: place)
    },

    SinkCheck("rows that the database refused come back, or are refused again") { place in
      let sink = try await place.makeSink()
      try await place.probe.execute(
        "CREATE TABLE target (id TEXT PRIMARY KEY, n INTEGER CHECK (n < 100), note TEXT)")
      let run = try await Scripted.begin(
        1, Scripted.target(),
        [[Scripted.row("a", 1), Scripted.row("a", 500), Scripted.row("b", 500)]], on: sink)
      try await run.complete(on: sink)
      let fates = try await replay(
        run, on: sink, (1, Scripted.cells("a", 50)), (2, Scripted.cells("b", 400)))
      try expect("the first", fates.first, is: .updated)
      guard case .refused = fates.last else {
        throw BatteryFailure("the second", expected: "refused", found: "\(fates)")
      }
      try await Scripted.expectRows(run.target, [Scripted.cells("a", 50)], at: place)
      try expect(
        "once it is right",
        try await replay(run, on: sink, (2, Scripted.cells("b", 40))), is: [.inserted])
    },

    SinkCheck("corrected rows follow the run's mode") { place in
      let sink = try await place.makeSink()
      for (number, mode) in [(1, LoadMode.append), (2, .insertOnly), (3, .replace)] {
        let target = Scripted.target(mode, name: "target_\(number)")
        let before = try await Scripted.begin(
          number * 10, Scripted.target(mode == .append ? .append : .upsert, name: target.name),
          [[Scripted.row("old", 1)]], on: sink)
        try await before.complete(on: sink)
        let run = try await Scripted.begin(
          number, target,
          [
            [
              .unread(Scripted.cells("old", nil)), .unread(Scripted.cells("new", nil)),
              Scripted.row("other", 1),
            ]
          ], on: sink)
        try await run.complete(on: sink)
        let fates = try await replay(
          run, on: sink, (0, Scripted.cells("old", 2)), (1, Scripted.cells("new", 2)))
        let other = Scripted.cells("other", 1)
        let new = Scripted.cells("new", 2)
        let old = Scripted.cells("old", 1)
        switch mode {
        case .append:
          try expect("append", fates, is: [.inserted, .inserted])
          try await Scripted.expectRows(
            target, [old, other, new, Scripted.cells("old", 2)], at: place)
        case .insertOnly:
          try expect("insert_only", fates, is: [.kept, .inserted])
          try await Scripted.expectRows(target, [old, other, new], at: place)
        case .replace, .upsert:
          try expect("replace", fates, is: [.inserted, .inserted])
          try await Scripted.expectRows(
            target, [other, new, Scripted.cells("old", 2)], at: place)
        }
      }
    },

    SinkCheck("a later run that replaced all rows leaves nothing to correct") { place in
      let sink = try await place.makeSink()
      let run = try await Scripted.begin(
        1, Scripted.target(), [[.unread(Scripted.cells("a", nil)), Scripted.row("b", 1)]],
        on: sink)
      try await run.complete(on: sink)
      let later = try await Scripted.begin(
        2, Scripted.target(.replace), [[Scripted.row("c", 1)]], on: sink)
      try await later.complete(on: sink)
      try expect(
        "fate", try await replay(run, on: sink, (0, Scripted.cells("a", 1))), is: [.superseded])
      try await Scripted.expectRows(run.target, [Scripted.cells("c", 1)], at: place)
    },
  ]
}
