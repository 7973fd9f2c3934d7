internal import Cairn

/// Rows that the database itself refuses.
enum RejectChecks {
  private static let table = """
    CREATE TABLE target (
      id TEXT PRIMARY KEY, n INTEGER CHECK (n < 100), note TEXT NOT NULL, code INTEGER UNIQUE)
    """

  private static func target(_ mode: LoadMode = .upsert) -> TargetTable {
    var target = Scripted.target(mode)
    target.columns.append(TargetColumn(name: "code", type: .integer, isRequired: false))
    return target
  }

  private static func row(
    _ id: String, _ n: Int64?, _ note: String?, _ code: Int64? = nil
  ) -> ScriptedRow {
    .accepted(Scripted.cells(id, n, note) + [code.map(CellValue.integer) ?? .null])
  }

  static let all = [
    SinkCheck("rows that the database refuses are rejects, the others are committed") { place in
      let sink = try await place.makeSink()
      try await place.probe.execute(table)
      let run = try await Scripted.begin(
        1, target(),
        [
          [
            row("a", 1, "x", 7), .rejected, row("b", 100, "x"), row("c", 1, nil),
            row("d", 1, "x", 7), row("e", 99, "x", 8),
          ]
        ], on: sink)
      try Scripted.expectCommitted(
        try await run.commit(0, to: sink), Scripted.counts(rows: 6, inserted: 2, rejected: 4))
      try await Scripted.expectRows(
        target(),
        [
          Scripted.cells("a", 1, "x") + [.integer(7)],
          Scripted.cells("e", 99, "x") + [.integer(8)],
        ], at: place)
      let rejects = try await sink.rejects(of: run.record.syncID, offset: 0, limit: 10)
      try expect("rows that were rejected", rejects.map(\.row), is: [1, 2, 3, 4])
      try expect(
        "rules", rejects.map(\.rule), is: ["type", "database", "database", "database"])
      guard rejects.allSatisfy({ !$0.reason.isEmpty }) else {
        throw BatteryFailure("reasons", expected: "one each", found: "\(rejects.map(\.reason))")
      }
      let middle = try await sink.rejects(of: run.record.syncID, offset: 1, limit: 2)
      try expect("two of them from the second on", middle, is: Array(rejects[1...2]))
    },

    SinkCheck("a row that is refused has not won over the one before it") { place in
      for mode in [LoadMode.upsert, .insertOnly, .replace] {
        let name = "target"
        let sink = try await place.makeSink()
        try await place.probe.execute("DROP TABLE IF EXISTS \(name)")
        try await place.probe.execute(table)
        let run = try await Scripted.begin(
          LoadMode.allCases.firstIndex(of: mode).map { $0 + 1 } ?? 0, target(mode),
          [
            [
              row("a", 1, "x"), row("a", 2, "x"), row("a", 200, "x"), row("a", 300, "x"),
              row("b", 100, "x"), row("b", 100, "y"),
            ],
            [row("a", 3, "x"), row("a", 4, nil)],
          ], on: sink)
        try Scripted.expectCommitted(
          try await run.commit(0, to: sink),
          Scripted.counts(rows: 6, inserted: 1, superseded: 1, rejected: 4), mode.rawValue)
        try Scripted.expectCommitted(
          try await run.commit(1, to: sink), Scripted.counts(rows: 2, updated: 1, rejected: 1),
          mode.rawValue)
        try await sink.recordEnd(run.end, of: run.record.syncID, under: run.lease)
        try await run.finish(on: sink)
        try await Scripted.expectRows(
          target(), [Scripted.cells("a", 3, "x") + [.null]], at: place, mode.rawValue)
      }
    },

    SinkCheck("a change that the database refuses leaves the row as it was") { place in
      let sink = try await place.makeSink()
      try await place.probe.execute(table)
      let run = try await Scripted.begin(
        1, target(),
        [
          [row("a", 1, "x", 1), row("b", 1, "x", 2)],
          [row("a", 2, "y", 2), row("b", 2, "y", 3)],
        ], on: sink)
      try await run.commit(0, to: sink)
      try Scripted.expectCommitted(
        try await run.commit(1, to: sink), Scripted.counts(rows: 2, updated: 1, rejected: 1))
      try await Scripted.expectRows(
        target(),
        [
          Scripted.cells("a", 1, "x") + [.integer(1)],
          Scripted.cells("b", 2, "y") + [.integer(3)],
        ], at: place)
    },

    SinkCheck("append: what breaks a unique index is a reject, and stays one") { place in
      let sink = try await place.makeSink()
      try await place.probe.execute(table)
      var appending = target(.append)
      appending.key = []
      let run = try await Scripted.begin(
        1, appending, [[row("a", 1, "x"), row("a", 2, "x"), row("b", 3, "x")]], on: sink)
      try Scripted.expectCommitted(
        try await run.commit(0, to: sink), Scripted.counts(rows: 3, inserted: 2, rejected: 1))
      try await Scripted.expectRows(
        target(),
        [Scripted.cells("a", 1, "x") + [.null], Scripted.cells("b", 3, "x") + [.null]],
        at: place)
    },

    SinkCheck("a row without a key is a reject") { place in
      let sink = try await place.makeSink()
      try await place.probe.execute(
        "CREATE TABLE target (id TEXT UNIQUE, n INTEGER, note TEXT)")
      let run = try await Scripted.begin(
        1, Scripted.target(),
        [[.accepted([.null, .integer(1), .null]), Scripted.row("a", 1)]], on: sink)
      try Scripted.expectCommitted(
        try await run.commit(0, to: sink), Scripted.counts(rows: 2, inserted: 1, rejected: 1))
      try await Scripted.expectRows(Scripted.target(), [Scripted.cells("a", 1)], at: place)
    },

    SinkCheck("with more rejects than allowed nothing of the chunk is committed") { place in
      let sink = try await place.makeSink()
      try await place.probe.execute(table)
      let run = try await Scripted.begin(
        1, target(),
        [[row("a", 1, "x"), .rejected, row("b", 100, "x"), row("c", 1, nil)]], on: sink)
      for allowance in 0..<3 {
        try await expectRefusal("a commit with \(allowance) rejects allowed", "too many rejects") {
          try await run.commit(0, to: sink, allowance: allowance)
        } _: { error in
          guard case .tooManyRejects(let found, let sample) = error else { return false }
          return found > allowance && found <= 3 && !sample.isEmpty && sample.count <= found
        }
      }
      try await Scripted.expectRows(target(), [], at: place)
      try expect("ledger", try await sink.ledger(of: run.record.syncID), is: [])
      try expect(
        "rejects", try await sink.rejects(of: run.record.syncID, offset: 0, limit: 9), is: [])
      try Scripted.expectCommitted(
        try await run.commit(0, to: sink, allowance: 3),
        Scripted.counts(rows: 4, inserted: 1, rejected: 3))
    },
  ]
}
