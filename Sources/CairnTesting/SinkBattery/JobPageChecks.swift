internal import Cairn

/// The pages of cursor jobs: rows of several tables, older states, deletions.
enum JobPageChecks {
  private typealias Records = ScriptedRecords

  static let all = [
    SinkCheck("rows of several tables, deletions and checkpoint are committed together") { place in
      var attempt = try await JobAttempt.begin(at: place)
      // Children first: a sink may have to write their parents before them.
      let first = try await attempt.commit(
        Records.rows(Records.reviews, [Records.review("r1", 1), Records.review("r2", 2)]),
        Records.rows(Records.pulls, [Records.pull(1, "one"), Records.pull(2, "two")]))
      try expect(
        "counts", first,
        is: [
          "api_pulls": Scripted.counts(rows: 2, inserted: 2),
          "api_reviews": Scripted.counts(rows: 2, inserted: 2),
        ])
      let outcome = try await attempt.commit(
        JobWork(
          rows: [
            Records.rows(Records.pulls, [Records.pull(1, "ONE"), Records.pull(3, "three")]),
            Records.rows(Records.reviews, [Records.review("r3", 1)]),
          ], replacedChildren: [Records.all(Records.reviews, by: "pull", of: [.integer(1)])],
          sweeps: [Records.sweep(after: 1, through: 2, present: [])], tables: Records.all))
      try expect("rows that were deleted", outcome.deleted, is: 3)
      try await expect(
        [Records.pull(1, "ONE"), Records.pull(3, "three")], [Records.review("r3", 1)], at: place)
      // Nothing of a page that fails is there.
      try await expectRefusal("a page with a row without a key", "fatal") {
        _ = try await attempt.commit(
          JobWork(
            rows: [
              Records.rows(Records.pulls, [Records.pull(4, "four")]),
              Records.rows(Records.reviews, [[.null, .integer(4), .text("a"), .null]]),
            ], sweeps: [Records.sweep(after: nil, through: nil, present: [])],
            tables: Records.all))
      } _: { error in
        error.isFatal && "\(error)".contains("api_reviews") && "\(error)".contains("id")
      }
      try await expect(
        [Records.pull(1, "ONE"), Records.pull(3, "three")], [Records.review("r3", 1)], at: place)
      try expect("newest generation", try await attempt.schedule().generation, is: 2)
      try await attempt.commit()
    },

    SinkCheck("the last row of a key counts, and rows that are as they were are left alone") {
      place in
      var attempt = try await JobAttempt.begin(at: place)
      let counts = try await attempt.commit(
        Records.rows(
          Records.reviews,
          [
            Records.review("r1", 1, "open"), Records.review("r2", 1, "open"),
            Records.review("r1", 1, "closed"),
          ]))
      try expect(
        "counts", counts["api_reviews"], is: Scripted.counts(rows: 3, inserted: 2, superseded: 1))
      let again = try await attempt.commit(
        Records.rows(
          Records.reviews, [Records.review("r1", 1, "closed"), Records.review("r2", 2, "open")]))
      try expect(
        "counts", again["api_reviews"], is: Scripted.counts(rows: 2, updated: 1, unchanged: 1))
      try await expect(
        [], [Records.review("r1", 1, "closed"), Records.review("r2", 2, "open")], at: place)
    },

    SinkCheck("a row is never changed to an older state") { place in
      var attempt = try await JobAttempt.begin(at: place)
      // Within a page too, whatever the order.
      let first = try await attempt.commit(
        Records.rows(
          Records.pulls,
          [
            Records.pull(1, "new", at: 20), Records.pull(2, "old", at: 5),
            Records.pull(1, "old", at: 10), Records.pull(3, "without"),
            Records.pull(3, "with", at: 1), Records.pull(3, "without again"),
          ]))
      try expect(
        "counts", first["api_pulls"], is: Scripted.counts(rows: 6, inserted: 3, superseded: 3))
      let second = try await attempt.commit(
        Records.rows(
          Records.pulls,
          [
            Records.pull(1, "older", at: 19), Records.pull(2, "equal", at: 5),
            Records.pull(3, "without"), Records.pull(4, "first", at: 1),
          ]))
      try expect(
        "counts", second["api_pulls"],
        is: Scripted.counts(rows: 4, inserted: 1, updated: 1, superseded: 2))
      let third = try await attempt.commit(
        Records.rows(
          Records.pulls,
          [
            Records.pull(1, "newer", at: 21), Records.pull(2, "newer", at: 6),
            Records.pull(4, "first", at: 1),
          ]))
      try expect(
        "counts", third["api_pulls"], is: Scripted.counts(rows: 3, updated: 2, unchanged: 1))
      try await expect(
        [
          Records.pull(1, "newer", at: 21), Records.pull(2, "newer", at: 6),
          Records.pull(3, "with", at: 1), Records.pull(4, "first", at: 1),
        ], [], at: place)
      // Other kinds of versions: text by its bytes, numbers.
      for (type, older, newer) in [
        (ColumnType.text, CellValue.text("Z"), CellValue.text("a")),
        (.integer, .integer(9), .integer(10)),
        (.date, .date(-1), .date(1)), (.double, .double(-0.5), .double(1e10)),
        (.numeric(precision: 8, scale: 2), .numeric(999), .numeric(1_000)),
      ] {
        var table = Records.pulls
        table.columns[3].type = type
        let name = "versions_\(type.description.prefix { $0 != "(" })"
        _ = try await attempt.sink.prepareRecordTable(table, named: name, evolution: .freeze)
        for version in [older, newer, older] {
          let row: [CellValue] = [.text("a"), .integer(1), .text("\(version)"), version]
          try await attempt.commit(
            JobWork.Rows(
              table: table, name: name, batch: RecordBatch(columns: table.columns, rows: [row])))
        }
        let target = TargetTable(name: name, columns: table.columns, key: table.key, mode: .upsert)
        try await Scripted.expectRows(
          target, [[.text("a"), .integer(1), .text("\(newer)"), newer]], at: place,
          "rows by \(type)")
      }
    },

    SinkCheck("columns that a page does not have stay as they are") { place in
      var attempt = try await JobAttempt.begin(at: place)
      try await attempt.commit(
        Records.rows(
          Records.pulls, [Records.pull(1, "one", at: 10), Records.pull(2, "two", at: 10)]))
      // Without its version a row is written whatever state is there.
      let counts = try await attempt.commit(
        Records.rows(
          Records.pulls,
          [[.text("a"), .integer(1), .text("ONE")], [.text("a"), .integer(3), .null]],
          columns: ["repository", "number", "title"]))
      try expect(
        "counts", counts["api_pulls"], is: Scripted.counts(rows: 2, inserted: 1, updated: 1))
      let keys = try await attempt.commit(
        Records.rows(
          Records.pulls,
          [[.integer(2), .text("a")], [.integer(4), .text("a")]].map { [$0[1], $0[0]] },
          columns: ["repository", "number"]))
      try expect(
        "counts", keys["api_pulls"], is: Scripted.counts(rows: 2, inserted: 1, unchanged: 1))
      try await expect(
        [
          Records.pull(1, "ONE", at: 10), Records.pull(2, "two", at: 10), Records.pull(3),
          Records.pull(4),
        ], [], at: place)
      // Those that must not be null too, where the row is there.
      try await place.probe.execute(
        "CREATE TABLE strict (id INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, n INTEGER)")
      let table = RecordTable(
        "strict",
        columns: [
          TargetColumn(name: "id", type: .integer, isRequired: true),
          TargetColumn(name: "name", type: .text, isRequired: true),
          TargetColumn(name: "n", type: .integer, isRequired: false),
        ], key: ["id"])
      _ = try await attempt.sink.prepareRecordTable(table, named: "strict", evolution: .freeze)
      func rows(_ rows: [[CellValue]], _ columns: Int...) throws -> JobWork.Rows {
        JobWork.Rows(
          table: table, name: "strict",
          batch: try RecordBatch(columns: columns.map { table.columns[$0] }, rows: rows))
      }
      try await attempt.commit(try rows([[.integer(1), .text("x"), .integer(1)]], 0, 1, 2))
      try await attempt.commit(try rows([[.integer(1), .integer(2)]], 0, 2))
      let target = TargetTable(name: "strict", columns: table.columns, key: ["id"], mode: .upsert)
      try await Scripted.expectRows(
        target, [[.integer(1), .text("x"), .integer(2)]], at: place)
      try await expectRefusal("a new row without what must not be null", "fatal") {
        try await attempt.commit(try rows([[.integer(7), .integer(2)]], 0, 2))
      } _: { error in
        error.isFatal && "\(error)".contains("id: 7") && "\(error)".contains("name")
      }
    },

    SinkCheck("a row that the database refuses fails its page, and is named") { place in
      try await place.probe.execute(
        "CREATE TABLE checked (id TEXT NOT NULL PRIMARY KEY, n INTEGER CHECK (n < 10), note TEXT)")
      var attempt = try await JobAttempt.begin(at: place)
      let table = RecordTable(
        "checked", columns: Scripted.target().columns, key: ["id"])
      _ = try await attempt.sink.prepareRecordTable(table, named: "checked", evolution: .freeze)
      func rows(_ rows: [[CellValue]]) throws -> JobWork.Rows {
        JobWork.Rows(
          table: table, name: "checked",
          batch: try RecordBatch(columns: table.columns, rows: rows))
      }
      try await attempt.commit(try rows([Scripted.cells("a", 1)]))
      // An earlier row of the key is no way out: what was read last is what there is.
      for cells in [[Scripted.cells("b", 11)], [Scripted.cells("b", 2), Scripted.cells("b", 12)]] {
        try await expectRefusal("a row that a constraint forbids", "fatal") {
          try await attempt.commit(
            Records.rows(Records.pulls, [Records.pull(1)]),
            try rows([Scripted.cells("a", 2)] + cells))
        } _: { error in
          error.isFatal && "\(error)".contains("'checked'") && "\(error)".contains("id: b")
        }
      }
      try await Scripted.expectRows(
        TargetTable(name: "checked", columns: table.columns, key: ["id"], mode: .upsert),
        [Scripted.cells("a", 1)], at: place)
      try await expect([], [], at: place)
      try await attempt.commit(try rows([Scripted.cells("a", 3)]))
      try expect("newest generation", try await attempt.schedule().generation, is: 2)
    },

    SinkCheck("a sweep deletes what is gone in its stretch, with all that belongs to it") {
      place in
      var attempt = try await JobAttempt.begin(at: place)
      let numbers: [Int64] = [1, 2, 3, 4, 5, 6]
      try await attempt.commit(
        Records.rows(
          Records.pulls,
          numbers.map { Records.pull($0) } + [Records.pull(2, of: "b"), Records.pull(3, of: "b")]),
        Records.rows(
          Records.reviews,
          numbers.map { Records.review("r\($0)", $0) } + [Records.review("b2", 2, of: "b")]),
        Records.rows(
          Records.comments,
          numbers.map { Records.comment($0, "r\($0)") } + [Records.comment(20, "b2")]))
      let sweeps = [
        (Records.sweep(after: nil, through: 3, present: [1, 2, 3]), 0),
        (Records.sweep(after: 1, through: 4, present: [3, 5]), 6),
        (Records.sweep(after: 5, through: nil, present: []), 3),
      ]
      for (sweep, expected) in sweeps {
        let outcome = try await attempt.commit(JobWork(rows: [], sweeps: [sweep]))
        try expect("rows deleted by \(sweep.sweep)", outcome.deleted, is: expected)
      }
      try await expect(
        [1, 3, 5].map { Records.pull($0) } + [Records.pull(2, of: "b"), Records.pull(3, of: "b")],
        [1, 3, 5].map { Records.review("r\($0)", $0) } + [Records.review("b2", 2, of: "b")],
        [1, 3, 5].map { Records.comment($0, "r\($0)") } + [Records.comment(20, "b2")], at: place)
      let whole = Records.sweep(after: nil, through: nil, present: [3], of: "b")
      let outcome = try await attempt.commit(JobWork(rows: [], sweeps: [whole]))
      try expect("rows deleted by one of all", outcome.deleted, is: 3)
      let all = KeySweep(
        table: "pulls", scope: [:], column: "number", after: nil, through: nil, present: [3])
      let without = try await attempt.commit(
        JobWork(rows: [], sweeps: [([(Records.pulls, "api_pulls")], all)]))
      try expect("one without scope and children", without.deleted, is: 2)
      try await ScriptedRecords.expectRows(
        Records.pulls, [Records.pull(3), Records.pull(3, of: "b")], at: place)
    },

    SinkCheck("children that are gone are deleted with theirs, and others are left alone") {
      place in
      var attempt = try await JobAttempt.begin(at: place)
      try await attempt.commit(
        Records.rows(
          Records.reviews,
          [
            Records.review("r1", 1), Records.review("r2", 1), Records.review("r3", 2),
            Records.review("r4", 3),
          ]),
        Records.rows(
          Records.comments,
          [Records.comment(1, "r1"), Records.comment(2, "r2"), Records.comment(3, "r4")]))
      // r1 has moved to another parent; r2 is gone, and r3 with it; the page has all of 1 and 2.
      let outcome = try await attempt.commit(
        JobWork(
          rows: [
            Records.rows(Records.reviews, [Records.review("r1", 2), Records.review("r5", 1)])
          ],
          replacedChildren: [
            Records.all(Records.reviews, by: "pull", of: [.integer(1), .integer(2), .integer(1)])
          ], tables: Records.all))
      try expect("rows that were deleted", outcome.deleted, is: 3)
      try await expect(
        [], [Records.review("r1", 2), Records.review("r4", 3), Records.review("r5", 1)],
        [Records.comment(1, "r1"), Records.comment(3, "r4")], at: place)
      let none = try await attempt.commit(
        JobWork(
          rows: [],
          replacedChildren: [
            Records.all(Records.reviews, by: "pull", of: [.integer(3)]),
            Records.all(Records.comments, by: "review", of: [.text("r1")]),
          ]))
      try expect("rows that were deleted", none.deleted, is: 2)
      try await expect(
        [], [Records.review("r1", 2), Records.review("r5", 1)], [Records.comment(3, "r4")],
        at: place)
    },

    SinkCheck("rows and keys of a table are counted") { place in
      var attempt = try await JobAttempt.begin(at: place)
      try await attempt.commit(
        Records.rows(Records.pulls, [Records.pull(1), Records.pull(2), Records.pull(2, of: "b")]))
      let check = try await attempt.sink.keyCheck(of: Records.pulls, named: "api_pulls")
      try expect("rows and duplicates", check, is: KeyCheck(rows: 3, duplicates: 0))
      try await place.probe.execute("CREATE TABLE loose (repository TEXT, number INTEGER)")
      for values in ["'a', 1", "'a', 1", "'a', 1", "'b', 1", "'a', NULL", "'c', 2", "'c', 2"] {
        try await place.probe.execute("INSERT INTO loose VALUES (\(values))")
      }
      let loose = try await attempt.sink.keyCheck(of: Records.pulls, named: "loose")
      try expect("rows and duplicates", loose, is: KeyCheck(rows: 7, duplicates: 3))
    },
  ]

  private static func expect(
    _ pulls: [[CellValue]], _ reviews: [[CellValue]], _ comments: [[CellValue]]? = nil,
    at place: SinkPlace
  ) async throws {
    try await Records.expectRows(Records.pulls, pulls, at: place)
    try await Records.expectRows(Records.reviews, reviews, at: place)
    if let comments { try await Records.expectRows(Records.comments, comments, at: place) }
  }

  private static func expect<Value: Equatable>(
    _ subject: @autoclosure () -> String, _ found: Value, is expected: Value
  ) throws {
    try CairnTesting.expect(subject(), found, is: expected)
  }
}
