internal import Cairn

/// What the modes do with keys.
enum ModeChecks {
  static let all = [
    SinkCheck("upsert: the last row in file order wins, within a chunk and across chunks") {
      place in
      let sink = try await place.makeSink()
      let target = Scripted.target()
      let run = try await Scripted.begin(
        1, target,
        [
          [
            Scripted.row("a", 1), Scripted.row("b", 1), Scripted.row("a", 2),
            Scripted.row("a", 3),
          ],
          [Scripted.row("b", 1), Scripted.row("a", 9), Scripted.row("c", 1), Scripted.row("a", 4)],
        ], on: sink)
      try Scripted.expectCommitted(
        try await run.commit(0, to: sink),
        Scripted.counts(rows: 4, inserted: 2, superseded: 2), "first chunk")
      try Scripted.expectCommitted(
        try await run.commit(1, to: sink),
        Scripted.counts(rows: 4, inserted: 1, updated: 1, unchanged: 1, superseded: 1),
        "second chunk")
      try await Scripted.expectRows(
        target, [Scripted.cells("a", 4), Scripted.cells("b", 1), Scripted.cells("c", 1)],
        at: place)
    },

    SinkCheck("upsert: null and empty text differ, and null equals null") { place in
      let sink = try await place.makeSink()
      let target = Scripted.target()
      let run = try await Scripted.begin(
        1, target,
        [
          [Scripted.row("a", nil, nil), Scripted.row("b", 1, ""), Scripted.row("c", 0, nil)],
          [Scripted.row("a", nil, nil), Scripted.row("b", 1, nil), Scripted.row("c", nil, nil)],
        ], on: sink)
      try await run.commit(0, to: sink)
      try Scripted.expectCommitted(
        try await run.commit(1, to: sink), Scripted.counts(rows: 3, updated: 2, unchanged: 1))
      try await Scripted.expectRows(
        target, [Scripted.cells("a"), Scripted.cells("b", 1), Scripted.cells("c")], at: place)
    },

    SinkCheck("upsert: columns that the job does not load stay as they are") { place in
      let sink = try await place.makeSink()
      try await place.probe.execute(
        "CREATE TABLE target (id TEXT PRIMARY KEY, own TEXT, n INTEGER, note TEXT)")
      try await place.probe.execute("INSERT INTO target VALUES ('a', 'mine', 1, 'x')")
      let run = try await Scripted.begin(
        1, Scripted.target(), [[Scripted.row("a", 2), Scripted.row("b", 1)]], on: sink)
      try Scripted.expectCommitted(
        try await run.commit(0, to: sink), Scripted.counts(rows: 2, inserted: 1, updated: 1))
      var seen = Scripted.target()
      seen.columns.append(TargetColumn(name: "own", type: .text, isRequired: false))
      try await Scripted.expectRows(
        seen,
        [Scripted.cells("a", 2) + [.text("mine")], Scripted.cells("b", 1) + [.null]], at: place)
    },

    SinkCheck("upsert: a key of several columns, in another order than the table's") { place in
      let sink = try await place.makeSink()
      try await place.probe.execute(
        "CREATE TABLE target (note TEXT, n INTEGER NOT NULL, id TEXT NOT NULL, UNIQUE (n, id))")
      let target = Scripted.target(key: ["id", "n"])
      let run = try await Scripted.begin(
        1, target,
        [
          [Scripted.row("a", 1, "x"), Scripted.row("a", 2, "x"), Scripted.row("a", 1, "y")],
          [Scripted.row("b", 1, "x"), Scripted.row("a", 2, "z")],
        ], on: sink)
      try Scripted.expectCommitted(
        try await run.commit(0, to: sink), Scripted.counts(rows: 3, inserted: 2, superseded: 1))
      try Scripted.expectCommitted(
        try await run.commit(1, to: sink), Scripted.counts(rows: 2, inserted: 1, updated: 1))
      try await Scripted.expectRows(
        target,
        [
          Scripted.cells("a", 1, "y"), Scripted.cells("a", 2, "z"), Scripted.cells("b", 1, "x"),
        ], at: place)
    },

    SinkCheck("upsert: a job of nothing but key columns") { place in
      let sink = try await place.makeSink()
      var target = Scripted.target()
      target.columns = [target.columns[0]]
      let rows = { (ids: [String]) in ids.map { ScriptedRow.accepted([.text($0)]) } }
      let run = try await Scripted.begin(
        1, target, [rows(["a", "b", "a"]), rows(["b", "c"])], on: sink)
      try Scripted.expectCommitted(
        try await run.commit(0, to: sink), Scripted.counts(rows: 3, inserted: 2, superseded: 1))
      try Scripted.expectCommitted(
        try await run.commit(1, to: sink), Scripted.counts(rows: 2, inserted: 1, unchanged: 1))
      try await Scripted.expectRows(
        target, [[.text("a")], [.text("b")], [.text("c")]], at: place)
    },

    SinkCheck("append: every row is inserted, equal ones too") { place in
      let sink = try await place.makeSink()
      let target = Scripted.target(.append)
      let run = try await Scripted.begin(
        1, target,
        [[Scripted.row("a", 1), Scripted.row("a", 1)], [Scripted.row("a", 1), .rejected]],
        on: sink)
      try Scripted.expectCommitted(
        try await run.commit(0, to: sink), Scripted.counts(rows: 2, inserted: 2))
      try Scripted.expectCommitted(
        try await run.commit(1, to: sink), Scripted.counts(rows: 2, inserted: 1, rejected: 1))
      try await Scripted.expectRows(
        target, Array(repeating: Scripted.cells("a", 1), count: 3), at: place)
    },

    SinkCheck("insert_only: keys from before the run stay, of its own the last row wins") {
      place in
      let sink = try await place.makeSink()
      let target = Scripted.target(.insertOnly)
      let before = try await Scripted.begin(1, target, [[Scripted.row("a", 1)]], on: sink)
      try await before.complete(on: sink)
      let run = try await Scripted.begin(
        2, target,
        [
          [Scripted.row("a", 8), Scripted.row("b", 1), Scripted.row("a", 9), Scripted.row("b", 2)],
          [Scripted.row("b", 3), Scripted.row("a", 7), Scripted.row("c", 1)],
          [Scripted.row("b", 3), Scripted.row("c", 2)],
        ], on: sink)
      try Scripted.expectCommitted(
        try await run.commit(0, to: sink),
        Scripted.counts(rows: 4, inserted: 1, superseded: 1, kept: 2), "first chunk")
      try Scripted.expectCommitted(
        try await run.commit(1, to: sink),
        Scripted.counts(rows: 3, inserted: 1, updated: 1, kept: 1), "second chunk")
      // Another process goes on.
      try Scripted.expectCommitted(
        try await run.commit(2, to: try await place.makeSink()),
        Scripted.counts(rows: 2, updated: 1, unchanged: 1), "third chunk")
      try await Scripted.expectRows(
        target, [Scripted.cells("a", 1), Scripted.cells("b", 3), Scripted.cells("c", 2)],
        at: place)
      try await sink.recordEnd(run.end, of: run.record.syncID, under: run.lease)
      try await run.finish(on: sink)
      let later = try await Scripted.begin(3, target, [[Scripted.row("c", 5)]], on: sink)
      try Scripted.expectCommitted(
        try await later.commit(0, to: sink), Scripted.counts(rows: 1, kept: 1), "a later run")
    },

    SinkCheck("replace: old rows are seen until the end, and none of them after it") { place in
      let sink = try await place.makeSink()
      let old = try await Scripted.begin(
        1, Scripted.target(), [[Scripted.row("a", 1), Scripted.row("old", 1)]], on: sink)
      try await old.complete(on: sink)
      let target = Scripted.target(.replace)
      let run = try await Scripted.begin(
        2, target,
        [[Scripted.row("a", 2), Scripted.row("b", 1)], [Scripted.row("b", 2), .rejected]],
        on: sink)
      try Scripted.expectCommitted(
        try await run.commit(0, to: sink), Scripted.counts(rows: 2, inserted: 2))
      try Scripted.expectCommitted(
        try await run.commit(1, to: sink), Scripted.counts(rows: 2, updated: 1, rejected: 1))
      let before = [Scripted.cells("a", 1), Scripted.cells("old", 1)]
      try await Scripted.expectRows(target, before, at: place, "rows before the end")
      try await run.finish(on: sink, as: .partialSuccess)
      try await Scripted.expectRows(target, before, at: place, "rows after a partial success")
      try await sink.recordEnd(run.end, of: run.record.syncID, under: run.lease)
      try await run.finish(on: sink)
      let after = [Scripted.cells("a", 2), Scripted.cells("b", 2)]
      try await Scripted.expectRows(target, after, at: place, "rows after the end")
      try await run.finish(on: sink)
      try await Scripted.expectRows(target, after, at: place, "rows after finishing again")
    },

    SinkCheck("replace: without a key every row is there, an empty source empties the table") {
      place in
      let sink = try await place.makeSink()
      let target = Scripted.target(.replace, key: [])
      let run = try await Scripted.begin(
        1, target, [[Scripted.row("a", 1), Scripted.row("a", 1)]], on: sink)
      try await run.complete(on: sink)
      try await Scripted.expectRows(
        target, [Scripted.cells("a", 1), Scripted.cells("a", 1)], at: place)
      try await Scripted.begin(2, target, [], on: sink).complete(on: sink)
      try await Scripted.expectRows(target, [], at: place)
    },

    SinkCheck("replace: an abandoned run leaves the old rows, and its source can be loaded") {
      place in
      let sink = try await place.makeSink()
      try await Scripted.begin(1, Scripted.target(), [[Scripted.row("a", 1)]], on: sink)
        .complete(on: sink)
      let target = Scripted.target(.replace)
      let run = try await Scripted.begin(2, target, [[Scripted.row("b", 1)]], on: sink)
      try await run.commit(0, to: sink)
      try await sink.abandon(run.record.syncID, owner: Scripted.owner)
      try await Scripted.expectRows(target, [Scripted.cells("a", 1)], at: place)
      try await Scripted.begin(3, target, [[Scripted.row("c", 1)]], on: sink).complete(on: sink)
      try await Scripted.expectRows(target, [Scripted.cells("c", 1)], at: place)
    },
  ]
}
