internal import Cairn

/// Creating, checking and watching the target.
enum TargetChecks {
  static let all = [
    SinkCheck("a target is created once, and fits afterwards") { place in
      let sink = try await place.makeSink()
      try await sink.prepareState()
      let first = try await sink.prepareTarget(Scripted.target())
      let second = try await place.makeSink().prepareTarget(Scripted.target())
      try expect("witness", second, is: first)
      try await Scripted.expectRows(Scripted.target(), [], at: place)
      try await place.probe.execute("INSERT INTO target (id, n) VALUES ('a', 1)")
      try await expectRefusal("a table without a column of the job", "a mismatch") {
        var wider = Scripted.target()
        wider.columns.append(TargetColumn(name: "more", type: .date, isRequired: false))
        _ = try await sink.prepareTarget(wider)
      } _: { error in
        guard case .targetMismatch(_, let problems, let remedy) = error else { return false }
        return problems.contains { $0.contains("more") } && remedy.contains("more")
      }
      var wider = Scripted.target()
      wider.columns.append(TargetColumn(name: "more", type: .date, isRequired: false))
      wider.mayAddColumns = true
      _ = try await sink.prepareTarget(wider)
      try await Scripted.expectRows(wider, [Scripted.cells("a", 1) + [.null]], at: place)
    },

    SinkCheck("a table without the job's key, or with other types, does not fit") { place in
      let sink = try await place.makeSink()
      try await sink.prepareState()
      try await place.probe.execute("CREATE TABLE target (id TEXT, n INTEGER, note INTEGER)")
      try await expectRefusal("a table without key", "a mismatch") {
        _ = try await sink.prepareTarget(Scripted.target())
      } _: { error in
        guard case .targetMismatch(_, let problems, let remedy) = error else { return false }
        return problems.contains { $0.contains("note") } && problems.contains { $0.contains("id") }
          && remedy.contains("UNIQUE")
      }
    },

    SinkCheck("a key that is missing is created where that is allowed") { place in
      let sink = try await place.makeSink()
      try await sink.prepareState()
      try await place.probe.execute("CREATE TABLE target (id TEXT, n INTEGER, note TEXT)")
      try await place.probe.execute("INSERT INTO target (id, n) VALUES ('a', 1), ('a', 2)")
      var target = Scripted.target()
      target.mayCreateKey = true
      let creating = target
      try await expectRefusal("a table with equal keys", "a mismatch") {
        _ = try await sink.prepareTarget(creating)
      } _: { error in
        guard case .targetMismatch(_, let problems, _) = error else { return false }
        return problems.contains { $0.contains("equal") }
      }
      try await place.probe.execute("DELETE FROM target WHERE n = 2")
      let run = try await Scripted.begin(
        1, target, [[Scripted.row("a", 3), Scripted.row("b", 1)]], on: sink)
      let record = try await run.complete(on: sink)
      try expect("counts", record.counts, is: Scripted.counts(rows: 2, inserted: 1, updated: 1))
    },

    SinkCheck("a view is no target") { place in
      let sink = try await place.makeSink()
      try await sink.prepareState()
      try await place.probe.execute(
        "CREATE VIEW target AS SELECT 'a' AS id, 1 AS n, 'x' AS note")
      try await expectRefusal("a view", "a mismatch") {
        _ = try await sink.prepareTarget(Scripted.target())
      } _: {
        $0.isMismatch
      }
    },

    SinkCheck("a job that names no loaded key, or none where one is needed, is refused") { place in
      let sink = try await place.makeSink()
      try await sink.prepareState()
      for target in [
        Scripted.target(key: ["missing"]), Scripted.target(.upsert, key: []),
        Scripted.target(.insertOnly, key: []),
      ] {
        try await expectRefusal("key \(target.key), \(target.mode.rawValue)", "a mismatch") {
          _ = try await sink.prepareTarget(target)
        } _: {
          $0.isMismatch
        }
      }
    },

    SinkCheck("damage: none in a run that goes well, rows deleted or not") { place in
      for mode in LoadMode.allCases {
        let sink = try await place.makeSink()
        let target = Scripted.target(mode, name: "well_\(mode.rawValue)")
        let number = LoadMode.allCases.firstIndex(of: mode).map { $0 + 1 } ?? 0
        let run = try await Scripted.begin(
          number, target,
          [[Scripted.row("a", 1), Scripted.row("b", 2)], [Scripted.row("c", 3)], [.rejected]],
          on: sink)
        try expect("damage before", try await damage(run, on: sink), is: nil)
        for chunk in 0..<3 { try await run.commit(chunk, to: sink) }
        try expect("damage, \(mode.rawValue)", try await damage(run, on: sink), is: nil)
        try await place.probe.execute("DELETE FROM \(target.name) WHERE id = 'b'")
        try await place.probe.execute("INSERT INTO \(target.name) (id, n) VALUES ('own', 1)")
        try expect("damage after edits", try await damage(run, on: sink), is: nil)
      }
    },

    SinkCheck("damage: a table that was dropped, recreated or emptied") { place in
      for (number, mode) in [LoadMode.upsert, .append].enumerated() {
        let sink = try await place.makeSink()
        let target = Scripted.target(mode, name: "hurt_\(mode.rawValue)")
        let run = try await Scripted.begin(
          number + 1, target, [[Scripted.row("a", 1)], [Scripted.row("b", 2)]], on: sink)
        try await run.commit(0, to: sink)
        try await place.probe.execute("DELETE FROM \(target.name)")
        try expectDamage(try await damage(run, on: sink), "emptied")
        try await place.probe.execute("DROP TABLE \(target.name)")
        try expectDamage(try await damage(run, on: sink), "dropped")
        _ = try await sink.prepareTarget(target)
        try await place.probe.execute(
          "INSERT INTO \(target.name) (id, n, note) VALUES ('other', 7, 'o')")
        try expectDamage(try await damage(run, on: sink), "recreated")
      }
    },

    SinkCheck("damage: none in a run that changed no row") { place in
      let sink = try await place.makeSink()
      let run = try await Scripted.begin(1, Scripted.target(), [[.rejected]], on: sink)
      try await run.commit(0, to: sink)
      try expect("damage", try await damage(run, on: sink), is: nil)
    },
  ]

  private static func damage(_ run: ScriptedRun, on sink: any Sink) async throws -> String? {
    let id = run.record.syncID
    guard let record = try await sink.runs(RunFilter(syncID: id)).first else {
      throw BatteryFailure("run \(id)", expected: "listed", found: "none")
    }
    return try await sink.targetDamage(of: record, target: run.target)
  }

  private static func expectDamage(_ found: String?, _ kind: String) throws {
    guard found != nil else {
      throw BatteryFailure("a table that was \(kind)", expected: "damage", found: "nil")
    }
  }
}
