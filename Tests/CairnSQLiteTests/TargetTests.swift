import Cairn
import CairnTesting
import Testing

@testable import CairnSQLite

@Suite("Targets are found, created, checked and replaced")
struct TargetTests {
  let folder: TemporaryFolder
  let sink: SQLiteSink
  let probe: SQLiteProbe

  init() throws {
    folder = try TemporaryFolder()
    sink = SQLiteSink(path: folder.file("target.db"))
    probe = SQLiteProbe(path: folder.file("target.db"))
  }

  @Test(arguments: [
    ("orders", "orders"), ("Orders", "orders"), ("main.orders", "orders"),
    ("MAIN.\"orders\"", "orders"), ("[my table]", "my table"), ("`a``b`", "a`b"),
    ("\"a.b\"", "a.b"), ("my table", "my table"), ("ÄB", "Äb"), ("\"a\"\"b\"", "a\"b"),
  ])
  func `a name means a table`(_ text: String, _ identity: String) throws {
    #expect(try TableName(text).identity == identity)
  }

  @Test(arguments: [
    "", "main.", "other.t", "temp.t", "a.b.c", "\"open", "\"a\"b", "cairn_x", "SQLITE_master",
  ])
  func `what is no name of a target is refused`(_ text: String) {
    #expect(throws: TableNameError.self) { try TableName(text) }
  }

  @Test func `runs into one table are one target, however it is written`() async throws {
    var load = try await SimpleLoad(
      into: table("main.\"Orders\"", ["id": .text], key: ["id"]), on: sink)
    try await load.commit([[.text("a")]])
    #expect(try await sink.runs(RunFilter(table: "ORDERS")).count == 1)
    #expect(try await sink.runs(RunFilter(table: "order")).count == 0)
    var again = load.record.new
    again.table = "[orders]"
    again.syncID = try #require(SyncID("sync_20250129_143022_ffffffff"))
    let outcome = try await sink.begin(
      again, owner: .current(), leaseDuration: .seconds(60))
    guard case .exists = outcome else {
      Issue.record("expected exists, found \(outcome)")
      return
    }
  }

  @Test func `names of any kind are quoted`() async throws {
    let target = TargetTable(
      name: "\"we\"\"ird; table\"",
      columns: ["select", "a \"b\"", "c'd", "ünï", "[x]"].map {
        TargetColumn(name: $0, type: .text, isRequired: false)
      }, key: ["a \"b\"", "select"], mode: .upsert)
    for (number, mode) in LoadMode.allCases.enumerated() {
      var target = target
      target.mode = mode
      var load = try await SimpleLoad(number + 1, into: target, on: sink)
      try await load.commit([Array(repeating: .text("\(mode)"), count: 5)])
      try await load.finish()
    }
    #expect(
      try await probe.literals("SELECT count(*), min(\"c'd\") FROM \"we\"\"ird; table\"")
        == [["1", "\"replace\""]])
  }

  @Test func `a table that does not fit is described column by column`() async throws {
    try await probe.execute(
      """
      CREATE TABLE target (
        id TEXT, code INTEGER, born REAL, amount TEXT, total NUMERIC(10,2), made DATETIME,
        twice TEXT AS (id || id), must TEXT NOT NULL, may TEXT NOT NULL DEFAULT 'x');
      CREATE UNIQUE INDEX some ON target (id) WHERE code > 0;
      """)
    let target = table(
      [
        "id": .text, "code": .text, "born": .date, "amount": .double,
        "total": .numeric(precision: 10, scale: 2), "made": .timestamp, "twice": .text,
        "gone": .uuid,
      ], key: ["id"])
    do {
      try await sink.prepareState()
      _ = try await sink.prepareTarget(target)
      Issue.record("expected a mismatch")
    } catch SinkError.targetMismatch(_, let problems, let remedy) {
      #expect(
        problems == [
          "column 'code' is INTEGER, which would turn text like 0012 into the number 12; the job "
            + "loads text",
          "column 'born' is REAL, which is made for numbers; the job loads date",
          "column 'amount' is TEXT, which would turn numbers into text; the job loads double",
          "column 'twice' is generated and cannot be loaded",
          "column 'gone' (uuid) is missing",
          "column 'must' is NOT NULL without a default, and the job does not load it",
          "no primary key or unique index consists of just (\"id\")",
        ])
      // The remedies do what they say.
      let statements = remedy.split(separator: "\n").dropFirst().map(String.init)
      #expect(statements.count == 2)
      for statement in statements { try await probe.execute(statement) }
    }
    try await probe.execute("ALTER TABLE target DROP COLUMN must")
    var mended = target
    mended.columns.removeAll { ["code", "born", "amount", "twice"].contains($0.name) }
    _ = try await sink.prepareTarget(mended)
  }

  @Test func `a table that would lose rows of others when replaced is refused`() async throws {
    try await probe.execute(
      """
      CREATE TABLE target (id TEXT PRIMARY KEY, up TEXT REFERENCES target (id) ON DELETE CASCADE);
      CREATE TABLE child (id TEXT REFERENCES target (id) ON DELETE CASCADE);
      """)
    do {
      try await sink.prepareState()
      _ = try await sink.prepareTarget(
        table(["id": .text, "up": .text], key: ["id"], .replace))
      Issue.record("expected a mismatch")
    } catch SinkError.targetMismatch(_, let problems, _) {
      #expect(problems.count == 1)
      #expect(problems[0].contains("child"))
    }
  }

  @Test func `replacing keeps indexes, triggers, views and references, and checks rows early`()
    async throws
  {
    try await probe.execute(
      """
      CREATE TABLE 'target' (
        id TEXT PRIMARY KEY, n INTEGER CHECK (n < 10), code TEXT COLLATE NOCASE,
        up TEXT REFERENCES target (id) DEFERRABLE INITIALLY DEFERRED,
        double INTEGER AS (n * 2) STORED) STRICT;
      CREATE UNIQUE INDEX "by code" ON target (code) WHERE code <> 'free';
      CREATE INDEX plain ON target (n);
      CREATE VIEW seen AS SELECT id, n FROM target;
      CREATE TABLE log (id);
      CREATE TRIGGER t AFTER INSERT ON target BEGIN INSERT INTO log VALUES (new.id); END;
      CREATE TABLE child (id TEXT REFERENCES target (id));
      INSERT INTO target (id, n) VALUES ('old', 1), ('a', 1);
      INSERT INTO child VALUES ('a');
      DELETE FROM log;
      """)
    let target = table(
      ["id": .text, "n": .integer, "code": .text, "up": .text], key: ["id"], .replace)
    func row(_ id: String, _ n: Int64, _ code: String, _ up: String? = nil) -> [CellValue] {
      [.text(id), .integer(n), .text(code), up.map(CellValue.text) ?? .null]
    }
    var load = try await SimpleLoad(into: target, on: sink)
    #expect(
      try await load.commit([
        row("a", 2, "x"), row("b", 12, "y"), row("c", 1, "X"), row("d", 1, "free"),
        row("e", 1, "free", "a"), row("f", 1, "f", "old"),
      ]) == counts(6, inserted: 3, rejected: 3))
    #expect(
      try await probe.literals("SELECT id FROM seen ORDER BY id") == [["\"a\""], ["\"old\""]])
    try await load.finish()
    #expect(
      try await probe.literals("SELECT id, n, double, up FROM target ORDER BY id") == [
        ["\"a\"", "2", "4", "NULL"], ["\"d\"", "1", "2", "NULL"], ["\"e\"", "1", "2", "\"a\""],
      ])
    #expect(try await probe.literals("SELECT count(*) FROM log") == [["3"]])
    #expect(
      try await probe.literals(
        """
        SELECT name FROM sqlite_master
        WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE 'cairn_%' ORDER BY name
        """) == ["by code", "child", "log", "plain", "seen", "t", "target"].map { ["\"\($0)\""] })
    #expect(
      try await probe.literals("SELECT name FROM sqlite_master WHERE name GLOB 'cairn_shadow*'")
        == [])
    #expect(try await probe.literals("PRAGMA foreign_key_check") == [])
  }

  @Test func `damage is not seen where VACUUM numbered the rows anew`() async throws {
    let target = table(["v": .text, "n": .integer], key: [], .append)
    var load = try await SimpleLoad(into: target, on: sink)
    try await load.commit((0..<20).map { [.text("v\($0)"), .integer(Int64($0))] })
    try await probe.execute("DELETE FROM target WHERE n < 10")
    try await probe.execute("VACUUM")
    try await probe.execute("UPDATE target SET v = 'edited'")
    let record = try #require(try await sink.runs(RunFilter()).first)
    #expect(try await sink.targetDamage(of: record, target: target) == nil)
    try await probe.execute("UPDATE target SET n = n + 100")
    #expect(try await sink.targetDamage(of: record, target: target) != nil)
  }

  @Test func `the metadata row reads as it is documented`() async throws {
    var load = try await SimpleLoad(
      into: table(["id": .text, "n": .integer], key: ["id"]), on: sink)
    let columns = """
      SELECT sync_id, file_name, status, records_total, records_inserted, records_updated,
        records_failed, validation_errors FROM cairn_sync_metadata
      """
    #expect(
      try await probe.literals(columns) == [
        ["\"\(load.record.syncID)\"", "\"f1.dat\"", "\"converting\"", "0", "0", "0", "0", "0"]
      ])
    try await load.commit([[.text("a"), .integer(1)], [.null, .integer(1)]])
    try await load.commit([[.text("a"), .integer(2)]])
    try await load.finish()
    #expect(
      try await probe.literals(columns) == [
        ["\"\(load.record.syncID)\"", "\"f1.dat\"", "\"SUCCESS\"", "3", "1", "1", "1", "0"]
      ])
    #expect(try await probe.literals("PRAGMA journal_mode") == [["\"wal\""]])
    #expect(try await probe.literals("PRAGMA integrity_check") == [["\"ok\""]])
  }

  @Test func `a target that is changed after rows were prepared for it gets them all the same`()
    async throws
  {
    var load = try await SimpleLoad(
      into: table(["id": .text, "n": .integer], key: ["id"]), on: sink)
    let work = try load.work([[.text("a"), .integer(1)], [.text("A"), .integer(2)]])
    let staged = try await sink.stage(work)
    try await probe.execute(
      """
      DROP TABLE target;
      CREATE TABLE target (n INTEGER, id TEXT COLLATE NOCASE PRIMARY KEY) WITHOUT ROWID;
      """)
    let outcome = try await staged.commit(under: load.lease, rejectAllowance: 0)
    #expect(outcome.entry.counts == counts(2, inserted: 1, superseded: 1))
    #expect(try await probe.literals("SELECT n, id FROM target") == [["2", "\"A\""]])
  }
}
