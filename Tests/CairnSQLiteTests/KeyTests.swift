import Cairn
import CairnTesting
import GRDB
import Parquet
import Testing

@testable import CairnSQLite

@Suite("Keys are equal as SQLite has it")
struct KeyTests {
  let folder: TemporaryFolder
  let sink: SQLiteSink
  let probe: SQLiteProbe

  init() throws {
    folder = try TemporaryFolder()
    sink = SQLiteSink(path: folder.file("target.db"))
    probe = SQLiteProbe(path: folder.file("target.db"))
  }

  @Test func `a NOCASE key takes spellings for one key, and the last spelling stays`() async throws
  {
    try await probe.execute("CREATE TABLE target (id TEXT COLLATE NOCASE PRIMARY KEY, n INTEGER)")
    let target = table(["id": .text, "n": .integer], key: ["id"])
    var load = try await SimpleLoad(into: target, on: sink)
    #expect(
      try await load.commit([
        [.text("abc"), .integer(1)], [.text("x"), .integer(1)], [.text("ABC"), .integer(2)],
      ]) == counts(3, inserted: 2, superseded: 1))
    #expect(
      try await load.commit([[.text("Abc"), .integer(2)], [.text("x"), .integer(1)]])
        == counts(2, updated: 1, unchanged: 1))
    #expect(
      try await probe.literals("SELECT id, n FROM target ORDER BY id") == [
        ["\"Abc\"", "2"], ["\"x\"", "1"],
      ])
  }

  @Test func `text that differs only by case is a change, also in a NOCASE column`() async throws {
    try await probe.execute(
      "CREATE TABLE target (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE)")
    var load = try await SimpleLoad(
      into: table(["id": .bigint, "name": .text], key: ["id"]), on: sink)
    try await load.commit([[.integer(1), .text("abc")]])
    #expect(try await load.commit([[.integer(1), .text("ABC")]]) == counts(1, updated: 1))
    #expect(try await load.commit([[.integer(1), .text("ABC")]]) == counts(1, unchanged: 1))
  }

  @Test func `an index collation other than the column's counts`() async throws {
    try await probe.execute(
      """
      CREATE TABLE target (id TEXT NOT NULL, n INTEGER);
      CREATE UNIQUE INDEX target_id ON target (id COLLATE RTRIM);
      """)
    var load = try await SimpleLoad(
      into: table(["id": .text, "n": .integer], key: ["id"]), on: sink)
    #expect(
      try await load.commit([[.text("a"), .integer(1)], [.text("a  "), .integer(2)]])
        == counts(2, inserted: 1, superseded: 1))
    #expect(try await load.commit([[.text("a "), .integer(2)]]) == counts(1, updated: 1))
  }

  @Test func `doubles and decimals are equal by value`() async throws {
    for (number, type, pairs) in [
      (1, ColumnType.double, [CellValue.double(0), .double(-0.0), .double(1)]),
      (2, .numeric(precision: 12, scale: 2), [.numeric(100), .numeric(100), .numeric(150)]),
    ] {
      let name = "t\(number)"
      var load = try await SimpleLoad(
        number, into: table(name, ["k": type, "n": .integer], key: ["k"]), on: sink)
      #expect(
        try await load.commit(pairs.map { [$0, .integer(1)] })
          == counts(3, inserted: 2, superseded: 1))
    }
  }

  @Test func `late chunks compare keys as the target does`() async throws {
    try await probe.execute("CREATE TABLE target (id TEXT COLLATE NOCASE PRIMARY KEY, n INTEGER)")
    let target = table(["id": .text, "n": .integer], key: ["id"])
    var load = try await SimpleLoad(into: target, on: sink)
    let late = try load.work([[.text("A"), .integer(1)], [.text("b"), .integer(1)]])
    try await load.commit([[.text("a"), .integer(2)]])
    #expect(
      try await sink.stage(late).commit(under: load.lease, rejectAllowance: .max).entry.counts
        == counts(2, inserted: 1, superseded: 1))
    let tables = "SELECT count(*) FROM sqlite_master WHERE name GLOB 'cairn_keys_*'"
    #expect(try await probe.literals(tables) == [["1"]])
    try await load.finish()
    #expect(try await probe.literals(tables) == [["0"]])
  }

  /// Keys of one or two columns with many spellings, grouped by ``KeyGroups`` and by SQLite.
  @Test(arguments: [
    (Affinity.text, "BINARY"), (.text, "NOCASE"), (.text, "RTRIM"), (.blob, "BINARY"),
    (.numeric, "BINARY"), (.integer, "NOCASE"), (.real, "BINARY"),
  ])
  func groups(_ affinity: Affinity, _ collation: String) throws {
    var random = SplitMix(seed: 42)
    let spellings = [
      "a", "A", "a ", "A  ", "b", "", " ", "1", "1.0", "01", "1e0", " 1", "10", "é", "É",
      "9007199254740993", "9007199254740992",
    ]
    for _ in 0..<20 {
      let rowCount = Int.random(in: 1...30, using: &random)
      func column(_ name: String) -> Cairn.Column {
        let picked = (0..<rowCount).map { _ in spellings.randomElement(using: &random) ?? "" }
        return Cairn.Column(name: name, type: .text, values: .text(ByteStrings(picked)))
      }
      let columns = [column("x"), column("y")]
      let key = columns.map {
        KeyValues(
          values: BoundColumn($0, affinity: affinity), affinity: affinity, collation: collation)
      }
      let groups = try KeyGroups(rows: Array(0..<UInt32(rowCount)), rowCount: rowCount, key: key)
      // The oracle: what a table with such a key holds in the end.
      let expected = try DatabaseQueue().write { db in
        try db.execute(
          sql: """
            CREATE TABLE t (x \(affinity.rawValue) COLLATE \(collation),
              y \(affinity.rawValue) COLLATE \(collation), row INTEGER, PRIMARY KEY (x, y))
            """)
        for row in 0..<rowCount {
          func text(_ column: Cairn.Column) -> String {
            guard case .text(let strings) = column.values else { return "" }
            return strings[row]
          }
          try db.execute(
            sql: "INSERT OR REPLACE INTO t VALUES (?, ?, ?)",
            arguments: [text(columns[0]), text(columns[1]), row])
        }
        return try UInt32.fetchAll(db, sql: "SELECT row FROM t ORDER BY row")
      }
      #expect(groups.winners == expected)
      let before = groups.winners.map { groups.countBefore($0) }.reduce(0, +)
      #expect(before + groups.winners.count == rowCount)
    }
  }

  /// Never says no of a value that SQLite finds; and does say no where bytes decide.
  @Test(arguments: [
    (Affinity.text, "BINARY", true), (.text, "NOCASE", false), (.blob, "BINARY", true),
    (.numeric, "BINARY", false), (.integer, "BINARY", false), (.real, "BINARY", false),
  ])
  func mayEqual(_ affinity: Affinity, _ collation: String, decides: Bool) throws {
    let there = ["a", "1", "1.0", "é", "10", "9007199254740993"]
    let asked = ["a", "A", "b", "1", "01", "1e0", "é", "10", " 10", "9007199254740993"]
    let texts = Cairn.Column(name: "x", type: .text, values: .text(ByteStrings(asked)))
    let numbers: [Int64] = [1, 2, 10, 9_007_199_254_740_993]
    let integers = Cairn.Column(name: "x", type: .bigint, values: .bigint(numbers))
    try DatabaseQueue().write { db in
      try db.execute(
        sql: "CREATE TABLE t (k0 \(affinity.rawValue) COLLATE \(collation) UNIQUE)")
      for text in there {
        try db.execute(sql: "INSERT OR IGNORE INTO t VALUES (?)", arguments: [text])
      }
      let known = try DatabaseValue.fetchAll(db, sql: "SELECT k0 FROM t")
      func isThere(_ value: some DatabaseValueConvertible) throws -> Bool {
        try db.inSavepoint {
          try db.execute(sql: "INSERT OR IGNORE INTO t VALUES (?)", arguments: [value])
          return .rollback
        }
        return db.changesCount == 0
      }
      func may(_ column: Cairn.Column) -> [Bool]? {
        KeyValues(
          values: BoundColumn(column, affinity: affinity), affinity: affinity,
          collation: collation
        ).mayEqual(known)
      }
      let ofTexts = may(texts)
      #expect((ofTexts != nil) == decides)
      for (text, may) in zip(asked, ofTexts ?? []) {
        #expect(try may == isThere(text), "\(text)")
      }
      for (number, may) in zip(numbers, may(integers) ?? []) {
        #expect(try may || !isThere(number), "\(number)")
      }
    }
  }
}
