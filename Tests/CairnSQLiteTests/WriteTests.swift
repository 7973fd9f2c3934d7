import Cairn
import CairnSQLite
import CairnTesting
import Testing

@Suite("Rows are written as SQLite tables ask")
struct WriteTests {
  let folder: TemporaryFolder
  let sink: SQLiteSink
  let probe: SQLiteProbe
  let target = table(["id": .text, "n": .integer], key: ["id"])

  init() throws {
    folder = try TemporaryFolder()
    sink = SQLiteSink(path: folder.file("target.db"))
    probe = SQLiteProbe(path: folder.file("target.db"))
  }

  private func row(_ id: String, _ n: Int64) -> [CellValue] { [.text(id), .integer(n)] }

  @Test(arguments: [
    "CREATE TABLE target (id TEXT PRIMARY KEY, n INTEGER)",
    "CREATE TABLE target (id TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID",
    "CREATE TABLE target (id TEXT PRIMARY KEY, n INTEGER) STRICT",
    "CREATE TABLE target (n INTEGER, pk INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE)",
    // A trigger that writes elsewhere, with rowids of its own, and one that writes the same table.
    """
    CREATE TABLE target (id TEXT PRIMARY KEY, n INTEGER);
    CREATE TABLE log (id INTEGER PRIMARY KEY, what TEXT);
    CREATE TRIGGER t1 AFTER INSERT ON target BEGIN INSERT INTO log (what) VALUES ('x'), ('y'); END;
    CREATE TRIGGER t2 AFTER UPDATE ON target BEGIN INSERT INTO log (what) VALUES ('u'); END;
    CREATE TRIGGER t3 BEFORE INSERT ON target WHEN new.id = 'b' AND new.n < 100
    BEGIN INSERT OR REPLACE INTO target VALUES ('extra', 5); END;
    """,
  ])
  func `counts are true for every kind of table`(_ sql: String) async throws {
    try await probe.execute(sql)
    var load = try await SimpleLoad(into: target, on: sink)
    #expect(try await load.commit([row("a", 1), row("b", 1)]) == counts(2, inserted: 2))
    #expect(
      try await load.commit([row("a", 1), row("b", 2), row("c", 1), row("b", 3)])
        == counts(4, inserted: 1, updated: 1, unchanged: 1, superseded: 1))
    #expect(
      try await probe.literals("SELECT id, n FROM target WHERE id <> 'extra' ORDER BY id")
        == [["\"a\"", "1"], ["\"b\"", "3"], ["\"c\"", "1"]])
  }

  @Test func `an INTEGER PRIMARY KEY may have any rowid`() async throws {
    let target = table(["id": .bigint, "n": .integer], key: ["id"])
    var load = try await SimpleLoad(into: target, on: sink)
    let rows: [[CellValue]] = [Int64.min, -1, 0, 1, .max].map { [.integer($0), .integer(1)] }
    #expect(try await load.commit(rows) == counts(5, inserted: 5))
    #expect(
      try await load.commit(rows.map { [$0[0], .integer(2)] }) == counts(5, updated: 5))
    #expect(
      try await probe.literals("SELECT count(*), sum(rowid = id) FROM target") == [["5", "5"]])
  }

  @Test func `an upsert that would change nothing writes nothing`() async throws {
    try await probe.execute(
      """
      CREATE TABLE target (id TEXT PRIMARY KEY, n INTEGER);
      CREATE TABLE log (what);
      CREATE TRIGGER t AFTER UPDATE ON target BEGIN INSERT INTO log VALUES (new.id); END;
      """)
    var load = try await SimpleLoad(into: target, on: sink)
    try await load.commit([row("a", 1), row("b", 1)])
    #expect(
      try await load.commit([row("a", 1), row("b", 2), row("a", 1)])
        == counts(3, updated: 1, unchanged: 1, superseded: 1))
    #expect(try await probe.literals("SELECT what FROM log") == [["\"b\""]])
  }

  @Test(arguments: ["ABORT", "FAIL", "ROLLBACK"])
  func `a row that a trigger refuses is a reject, and its effects are undone`(_ how: String)
    async throws
  {
    try await probe.execute(
      """
      CREATE TABLE target (id TEXT PRIMARY KEY, n INTEGER);
      CREATE TABLE log (what);
      CREATE TRIGGER t AFTER INSERT ON target BEGIN
        INSERT INTO log VALUES (new.id);
        SELECT RAISE(\(how), 'n is unlucky') WHERE new.n = 13;
      END;
      """)
    var load = try await SimpleLoad(into: target, on: sink)
    #expect(
      try await load.commit([
        row("a", 1), row("b", 13), row("c", 13), row("d", 1), row("e", 2), row("e", 13),
      ]) == counts(6, inserted: 3, rejected: 3))
    #expect(
      try await load.reasons() == ["1: n is unlucky", "2: n is unlucky", "5: n is unlucky"])
    #expect(
      try await probe.literals("SELECT id FROM target ORDER BY id")
        == [["\"a\""], ["\"d\""], ["\"e\""]])
    #expect(
      try await probe.literals("SELECT what FROM log ORDER BY what")
        == [["\"a\""], ["\"d\""], ["\"e\""]])
    try await expectTooMany {
      try await load.commit([self.row("f", 13), self.row("g", 13)], allowance: 1)
    }
  }

  @Test(arguments: [LoadMode.upsert, .insertOnly])
  func `a row that the table ignores is a reject, not lost`(_ mode: LoadMode) async throws {
    try await probe.execute(
      """
      CREATE TABLE target (id TEXT PRIMARY KEY, n INTEGER UNIQUE ON CONFLICT IGNORE);
      CREATE TRIGGER t BEFORE INSERT ON target WHEN new.n = 13 BEGIN SELECT RAISE(IGNORE); END;
      """)
    var target = target
    target.mode = mode
    var load = try await SimpleLoad(into: target, on: sink)
    let found = try await load.commit([row("a", 1), row("b", 13), row("c", 1), row("d", 2)])
    #expect(found == counts(4, inserted: 2, rejected: 2))
  }

  @Test func `immediate and deferred foreign keys refuse rows, and only those`() async throws {
    for (number, deferral) in ["", "DEFERRABLE INITIALLY DEFERRED"].enumerated() {
      try await probe.execute(
        """
        CREATE TABLE IF NOT EXISTS parent (id TEXT PRIMARY KEY);
        INSERT OR IGNORE INTO parent VALUES ('p'), ('q');
        CREATE TABLE child\(number) (
          id TEXT PRIMARY KEY, n INTEGER, parent TEXT REFERENCES parent (id) \(deferral));
        """)
      let target = table(
        "child\(number)", ["id": .text, "n": .integer, "parent": .text], key: ["id"])
      var load = try await SimpleLoad(number + 1, into: target, on: sink)
      var rows: [[CellValue]] = (0..<40).map {
        row("k\($0)", Int64($0)) + [.text($0 % 9 == 4 ? "missing" : "p")]
      }
      // The last row of this key is refused, the one before is not.
      rows += [row("k0", 100) + [.text("q")], row("k0", 101) + [.text("none")]]
      rows += [row("free", 1) + [.null]]
      #expect(
        try await load.commit(rows) == counts(43, inserted: 37, superseded: 1, rejected: 5))
      #expect(
        try await load.reasons()
          == [4, 13, 22, 31, 41].map { "\($0): FOREIGN KEY constraint failed" })
      #expect(
        try await probe.literals("SELECT n, parent FROM child\(number) WHERE id = 'k0'")
          == [["100", "\"q\""]])
      #expect(try await probe.literals("PRAGMA foreign_key_check") == [])
    }
  }

  @Test func `rows may refer to later rows of a chunk`() async throws {
    try await probe.execute(
      """
      CREATE TABLE target (id TEXT PRIMARY KEY, n INTEGER,
        up TEXT REFERENCES target (id) DEFERRABLE INITIALLY DEFERRED)
      """)
    let tree = table(["id": .text, "n": .integer, "up": .text], key: ["id"])
    var load = try await SimpleLoad(into: tree, on: sink)
    // A chain from leaf to root, and another whose root is missing.
    let good: [[CellValue]] = (0..<10).map {
      row("g\($0)", 1) + [$0 == 9 ? .null : .text("g\($0 + 1)")]
    }
    let bad: [[CellValue]] = (0..<5).map { row("b\($0)", 1) + [.text("b\($0 + 1)")] }
    var mixed: [[CellValue]] = []
    for index in 0..<10 {
      mixed.append(good[index])
      if index < 5 { mixed.append(bad[index]) }
    }
    #expect(try await load.commit(mixed) == counts(15, inserted: 10, rejected: 5))
    #expect(
      try await probe.literals("SELECT count(*) FROM target WHERE id GLOB 'g*'") == [["10"]])
  }

  @Test func `values that SQLite cannot hold are rejects`() async throws {
    try await probe.execute("CREATE TABLE target (id TEXT PRIMARY KEY, d REAL, m REAL) STRICT")
    let target = table(
      ["id": .text, "d": .double, "m": .numeric(precision: 15, scale: 3)], key: ["id"])
    var load = try await SimpleLoad(into: target, on: sink)
    #expect(
      try await load.commit([
        [.text("a"), .double(.nan), .null], [.text("b"), .double(.infinity), .numeric(1_500)],
      ]) == counts(2, inserted: 1, rejected: 1))
    #expect(try await load.reasons() == ["0: SQLite has no NaN"])
  }

  @Test func `a decimal that a NUMERIC column would round is a reject`() async throws {
    try await probe.execute("CREATE TABLE target (id TEXT PRIMARY KEY, m NUMERIC(18,3))")
    let target = table(["id": .text, "m": .numeric(precision: 18, scale: 3)], key: ["id"])
    var load = try await SimpleLoad(into: target, on: sink)
    #expect(
      try await load.commit([
        [.text("a"), .numeric(123_456_789_012_345_678)], [.text("b"), .numeric(12_345)],
        [.text("c"), .numeric(123_456_789_012_345_000)],
      ]) == counts(3, inserted: 2, rejected: 1))
    #expect(
      try await probe.literals("SELECT m, typeof(m) FROM target ORDER BY id")
        == [["12.345", "\"real\""], ["123456789012345", "\"integer\""]])
  }

  @Test func `values have the documented forms`() async throws {
    let target = table(
      [
        "id": .integer, "b": .boolean, "d": .date, "t": .time, "ts": .timestamp,
        "tz": .timestamptz, "u": .uuid, "m": .numeric(precision: 10, scale: 2),
        "big": .numeric(precision: 20, scale: 2),
      ], key: ["id"])
    var load = try await SimpleLoad(into: target, on: sink)
    try await load.commit([
      [
        .integer(1), .boolean(true), .date(19_782), .time(86_399_000_000),
        .timestamp(1_709_251_199_000_000), .timestamp(1_709_251_199_000_001), .uuid(0xABC),
        .numeric(1_250), .numeric(12_345_678_901_234_567_890),
      ],
      [
        .integer(2), .boolean(false), .date(-719_529), .time(1), .timestamp(-1),
        .timestamp(253_402_300_800_000_000), .uuid(.max), .numeric(1_200), .numeric(150),
      ],
    ])
    #expect(
      try await probe.literals("SELECT * FROM target ORDER BY id") == [
        [
          "1", "1", "\"2024-02-29\"", "\"23:59:59\"", "\"2024-02-29 23:59:59\"",
          "\"2024-02-29 23:59:59.000001+00:00\"", "\"00000000-0000-0000-0000-000000000abc\"",
          "12.5", "\"123456789012345678.90\"",
        ],
        [
          "2", "0", "\"-0001-12-31\"",
          "\"00:00:00.000001\"", "\"1969-12-31 23:59:59.999999\"",
          "\"+10000-01-01 00:00:00+00:00\"", "\"ffffffff-ffff-ffff-ffff-ffffffffffff\"", "12",
          "1.5",
        ],
      ])
    // SQLite's own functions read them.
    #expect(
      try await probe.literals(
        "SELECT unixepoch(ts), unixepoch(tz), unixepoch(d) FROM target WHERE id = 1")
        == [["1709251199", "1709251199", "1709164800"]])
  }

  private func expectTooMany(_ body: () async throws -> RowCounts) async throws {
    do {
      _ = try await body()
      Issue.record("expected too many rejects")
    } catch SinkError.tooManyRejects(let found, _) {
      #expect(found == 2)
    }
  }
}
