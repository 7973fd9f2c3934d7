internal import Cairn

/// The tables of cursor jobs: made, checked and evolved; and loads into the same ones.
enum JobTableChecks {
  private typealias Records = ScriptedRecords

  static let all = [
    SinkCheck("a table for records is made with its key, and found again") { place in
      let sink = try await JobAttempt.sink(place)
      try await sink.prepareState()
      let none = try await sink.standing(ofTable: "api_pulls")
      try expect("a table that is not there", none, is: .absent)
      for evolution in FieldEvolution.allCases + FieldEvolution.allCases {
        let columns = try await sink.prepareRecordTable(
          Records.pulls, named: "api_pulls", evolution: evolution)
        try expect("columns", columns, is: Records.pulls.columns.map(\.name))
      }
      let made = try await sink.standing(ofTable: "api_pulls")
      try expect("a table without rows", made, is: .empty)
      try await place.probe.execute(
        "INSERT INTO api_pulls (repository, number) VALUES ('a', 1)")
      let filled = try await sink.standing(ofTable: "api_pulls")
      try expect("a table with a row", filled, is: .filled)
      for values in ["'a', 1", "'a', NULL", "NULL, 1"] {
        do {
          try await place.probe.execute(
            "INSERT INTO api_pulls (repository, number) VALUES (\(values))")
        } catch { continue }
        throw BatteryFailure("a second or no key", expected: "an error", found: "(\(values)) is in")
      }
    },

    SinkCheck("a new field becomes a column, is an error, or is left out") { place in
      var attempt = try await JobAttempt.begin(at: place)
      var table = Records.pulls
      table.columns += [
        TargetColumn(name: "merged", type: .boolean, isRequired: false),
        TargetColumn(name: "size", type: .integer, isRequired: true),
      ]
      try await expectRefusal("a new field of a frozen table", "targetMismatch") {
        _ = try await attempt.sink.prepareRecordTable(
          table, named: "api_pulls", evolution: .freeze)
      } _: { error in
        error.isMismatch
          && ["merged", "size", "freeze", "evolve"].allSatisfy("\(error)".contains)
      }
      let ignored = try await attempt.sink.prepareRecordTable(
        table, named: "api_pulls", evolution: .ignore)
      try expect("columns", ignored, is: Records.pulls.columns.map(\.name))
      var keyed = table
      keyed.key = ["repository", "size"]
      try await expectRefusal("a key that is left out", "targetMismatch") {
        _ = try await attempt.sink.prepareRecordTable(
          keyed, named: "api_pulls", evolution: .ignore)
      } _: { error in
        error.isMismatch && "\(error)".contains("size")
      }
      let row = Records.pull(1, "one", at: 1) + [.boolean(true), .integer(7)]
      func rows(_ table: RecordTable, _ rows: [[CellValue]]) throws -> JobWork.Rows {
        JobWork.Rows(
          table: table, name: "api_pulls",
          batch: try RecordBatch(columns: table.columns, rows: rows))
      }
      // Without a value there is nothing to lose.
      try await attempt.commit(
        try rows(table, [Records.pull(1, "one", at: 1) + [.null, .null]]))
      try await expectRefusal("a value without a column", "targetMismatch") {
        try await attempt.commit(try rows(table, [row]))
      } _: { error in
        error.isMismatch && "\(error)".contains("merged")
      }
      // Rows that were staged before the table had the columns.
      let early = try await attempt.sink.stage(
        JobWork(rows: [Records.rows(Records.pulls, [Records.pull(2)])]))
      let evolved = try await attempt.sink.prepareRecordTable(
        table, named: "api_pulls", evolution: .evolve)
      try expect("columns", evolved, is: table.columns.map(\.name))
      let outcome = try await early.commit(
        JobAttempt.checkpoint(attempt.generation + 1), under: attempt.lease)
      try expect("rows that were deleted", outcome.deleted, is: 0)
      attempt.generation += 1
      try await attempt.commit(try rows(table, [row]))
      let target = TargetTable(
        name: "api_pulls", columns: table.columns, key: table.key, mode: .upsert)
      try await Scripted.expectRows(
        target, [row, Records.pull(2) + [.null, .null]], at: place)
    },

    SinkCheck("a table that does not fit, and one that is declared wrongly, are refused") { place in
      let sink = try await JobAttempt.sink(place)
      try await sink.prepareState()
      try await place.probe.execute("CREATE TABLE keyless (repository TEXT, number INTEGER)")
      try await place.probe.execute(
        "CREATE TABLE typed (repository TEXT NOT NULL, number TEXT NOT NULL, title TEXT,"
          + " updated_at TEXT, PRIMARY KEY (repository, number))")
      for name in ["keyless", "typed"] {
        try await expectRefusal("table \(name)", "targetMismatch") {
          _ = try await sink.prepareRecordTable(Records.pulls, named: name, evolution: .evolve)
        } _: {
          $0.isMismatch
        }
      }
      var keyless = Records.pulls
      keyless.key = []
      var version = Records.pulls
      version.version = "missing"
      var boolean = Records.pulls
      boolean.columns[3].type = .boolean
      var orphan = Records.reviews
      orphan.parent?.columns = [:]
      for table in [keyless, version, boolean, orphan] {
        try await expectRefusal("a declaration", "targetMismatch") {
          _ = try await sink.prepareRecordTable(table, named: "other", evolution: .evolve)
        } _: {
          $0.isMismatch
        }
      }
      var attempt = try await JobAttempt.begin(at: place)
      try await expectRefusal("rows without their key", "fatal") {
        try await attempt.commit(
          Records.rows(
            Records.pulls, [[.text("a"), .text("x")]], columns: ["repository", "title"]))
      } _: { error in
        error.isFatal && "\(error)".contains("number")
      }
    },

    SinkCheck("a page waits for the end of a load into one of its tables") { place in
      var attempt = try await JobAttempt.begin(at: place)
      let before = attempt
      try await attempt.commit(Records.rows(Records.pulls, [Records.pull(1, "one")]))
      var target = Records.target(Records.pulls)
      target.columns.removeLast()
      let load = try await Scripted.begin(
        9, target,
        [
          [.accepted([.text("a"), .integer(1), .text("loaded")])],
          [.accepted([.text("a"), .integer(2), .text("loaded")])],
        ], on: attempt.sink)
      try await load.commit(0, to: attempt.sink)
      let refused = [
        JobWork(rows: [try Records.rows(Records.pulls, [Records.pull(2, "two", at: 1)])]),
        JobWork(rows: [], sweeps: [Records.sweep(after: nil, through: nil, present: [])]),
      ]
      for work in refused {
        do {
          _ = try await attempt.commit(work)
        } catch let error as SinkError {
          try expect("the load in the way", error.unfinishedLoad, is: load.record.syncID)
          continue
        }
        throw BatteryFailure("a page", expected: "loadUnfinished", found: "no error")
      }
      // What was committed before is recognised, and other tables are free.
      var again = before
      let repeated = try await again.commit(
        JobWork(rows: [Records.rows(Records.pulls, [Records.pull(1, "one")])]))
      try expect("the same again", repeated.isAlreadyCommitted, is: true)
      try await attempt.commit(Records.rows(Records.reviews, [Records.review("r1", 1)]))
      try await load.commit(1, to: attempt.sink)
      try await attempt.sink.recordEnd(load.end, of: load.record.syncID, under: load.lease)
      try await load.finish(on: attempt.sink)
      _ = try await attempt.commit(refused[0])
      try await Records.expectRows(
        Records.pulls, [Records.pull(1, "loaded"), Records.pull(2, "two", at: 1)], at: place)
    },

    SinkCheck("a corrected row of a load overwrites none of a page, and brings none back") {
      place in
      var attempt = try await JobAttempt.begin(at: place)
      var target = Records.target(Records.comments)
      target.columns[1].isRequired = false
      // Rejects behind more rows than the pages have.
      func unread(_ id: Int64) -> ScriptedRow { .unread([.integer(id), .null]) }
      let load = try await Scripted.begin(
        9, target,
        [
          [
            .accepted(Records.comment(10, "x")), .accepted(Records.comment(3, "x")), unread(1),
            unread(2), unread(3),
          ]
        ], on: attempt.sink)
      try await load.complete(on: attempt.sink)
      try await attempt.commit(Records.rows(Records.comments, [Records.comment(1, "page")]))
      // All comments on x are gone, the third among them.
      _ = try await attempt.commit(
        JobWork(
          rows: [],
          replacedChildren: [Records.all(Records.comments, by: "review", of: [.text("x")])]))
      let fates = try await ReplayChecks.replay(
        load, on: attempt.sink, (2, Records.comment(1, "load")), (3, Records.comment(2, "load")),
        (4, Records.comment(3, "load")))
      try expect("fates", fates, is: [.superseded, .inserted, .superseded])
      try await Records.expectRows(
        Records.comments, [Records.comment(1, "page"), Records.comment(2, "load")], at: place)
    },
  ]
}
