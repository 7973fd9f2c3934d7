import Cairn
import CairnPostgres
import CairnTesting
import Foundation
import Testing

@Suite("Rows are written as PostgreSQL tables ask")
struct WriteTests {
  let place: PostgresPlace
  let sink: PostgresSink
  let target = table(["id": .text, "n": .integer], key: ["id"])

  var probe: PostgresProbe { place.probe }

  init() async throws {
    place = try await TestServer.place()
    sink = place.sink()
  }

  private func row(_ id: String, _ n: Int64) -> [CellValue] { [.text(id), .integer(n)] }

  private func rows(_ columns: String = "id, n") async throws -> [[String?]] {
    try await probe.query("SELECT \(columns) FROM target ORDER BY 1, 2")
  }

  @Test(arguments: [
    "CREATE TABLE target (id text PRIMARY KEY, n integer)",
    "CREATE UNLOGGED TABLE target (n bigint, own integer, id varchar(3) UNIQUE)",
    """
    CREATE TABLE target (id text PRIMARY KEY, n integer) PARTITION BY LIST (id);
    CREATE TABLE part_a PARTITION OF target FOR VALUES IN ('a', 'b');
    CREATE TABLE part_rest PARTITION OF target DEFAULT;
    """,
    // A trigger that writes elsewhere, and one that has its say before.
    """
    CREATE TABLE target (id text PRIMARY KEY, n integer);
    CREATE TABLE log (what text);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
      $$BEGIN INSERT INTO log VALUES (tg_op), ('x'); RETURN new; END$$;
    CREATE TRIGGER before BEFORE INSERT OR UPDATE ON target FOR EACH ROW EXECUTE FUNCTION note();
    CREATE TRIGGER after AFTER INSERT OR UPDATE ON target FOR EACH ROW EXECUTE FUNCTION note();
    """,
    "CREATE TABLE target (id name COLLATE \"C\" , n integer, UNIQUE (id)); "
      + "ALTER TABLE target ALTER id TYPE text",
  ])
  func `counts are true for every kind of table`(_ sql: String) async throws {
    try await probe.execute(sql)
    var load = try await SimpleLoad(into: target, on: sink)
    #expect(try await load.commit([row("a", 1), row("b", 1)]) == counts(2, inserted: 2))
    #expect(
      try await load.commit([row("a", 1), row("b", 2), row("c", 1), row("b", 3)])
        == counts(4, inserted: 1, updated: 1, unchanged: 1, superseded: 1))
    #expect(try await rows() == [["a", "1"], ["b", "3"], ["c", "1"]])
  }

  @Test func `a key may lie in several partitions, or in none`() async throws {
    try await probe.execute(
      """
      CREATE TABLE target (id text, n integer, PRIMARY KEY (id, n)) PARTITION BY RANGE (n);
      CREATE TABLE low PARTITION OF target FOR VALUES FROM (0) TO (10);
      CREATE TABLE high PARTITION OF target FOR VALUES FROM (10) TO (100);
      ALTER TABLE target ADD note text
      """)
    // The key has the partition's column; another unique key cannot be without it.
    let target = table(["id": .text, "n": .integer, "note": .text], key: ["id", "n"])
    var load = try await SimpleLoad(into: target, on: sink)
    let cells = { (id: String, n: Int64, note: String) -> [CellValue] in
      [.text(id), .integer(n), .text(note)]
    }
    #expect(
      try await load.commit([cells("a", 1, "x"), cells("a", 11, "x"), cells("a", 1, "y")])
        == counts(3, inserted: 2, superseded: 1))
    #expect(
      try await load.commit([cells("a", 11, "z"), cells("a", 1, "y"), cells("a", 200, "x")])
        == counts(3, updated: 1, unchanged: 1, rejected: 1))
    #expect(
      try await probe.query("SELECT tableoid::regclass, note FROM target ORDER BY n DESC")
        == [["high", "z"], ["low", "y"]])
  }

  @Test func `an upsert that would change nothing writes nothing and locks nothing`() async throws {
    try await probe.execute("CREATE TABLE target (id text PRIMARY KEY, n integer, j jsonb, f json)")
    let target = table(["id": .text, "n": .integer, "j": .json, "f": .json], key: ["id"])
    let batch = (0..<2_000).map { number -> [CellValue] in
      [
        .text("k\(number)"), .integer(Int64(number)), .text("{\"b\":1,  \"a\":2}"),
        .text("[1 , 2]"),
      ]
    }
    var load = try await SimpleLoad(into: target, on: sink)
    #expect(try await load.commit(batch) == counts(2_000, inserted: 2_000))
    let tuples = "SELECT md5(string_agg(concat_ws(' ', ctid, xmin, xmax), ',' ORDER BY ctid)) "
    let before = try await probe.value(tuples + "FROM target")
    #expect(try await load.commit(batch) == counts(2_000, unchanged: 2_000))
    // Another process, which has to ask the table.
    var second = try await SimpleLoad(2, into: target, on: place.sink())
    #expect(try await second.commit(batch) == counts(2_000, unchanged: 2_000))
    #expect(try await probe.value(tuples + "FROM target") == before)
    let statistics = """
      SELECT concat_ws(' ', n_tup_ins, n_tup_upd, n_tup_del, n_dead_tup) FROM pg_stat_user_tables
      WHERE relid = 'target'::regclass
      """
    // The server's counters follow within a second, or when a connection has been idle for ten.
    var seen: String?
    for _ in 0..<600 where seen?.hasPrefix("2000 ") != true {
      try await Task.sleep(for: .milliseconds(50))
      seen = try await probe.value(statistics)
    }
    #expect(seen == "2000 0 0 0")
  }

  @Test func `values that are equal in another form are unchanged`() async throws {
    try await probe.execute(
      "CREATE TABLE target (id text PRIMARY KEY, a numeric, b char(5), c json, d float8)")
    try await probe.execute(
      "INSERT INTO target VALUES ('k', 1.50000, 'x', '{\"a\":1}', '-0'), ('l', 2, 'y', '[1]', 1)")
    let target = table(
      ["id": .text, "a": .numeric(precision: 9, scale: 2), "b": .text, "c": .json, "d": .double],
      key: ["id"])
    var load = try await SimpleLoad(into: target, on: sink)
    #expect(
      try await load.commit([
        [.text("k"), .numeric(150), .text("x"), .text("{\"a\":1}"), .double(0)],
        // json has no equality but that of its text.
        [.text("l"), .numeric(200), .text("y"), .text("[1 ]"), .double(1)],
      ]) == counts(2, updated: 1, unchanged: 1))
    #expect(try await rows("id, a, c") == [["k", "1.50000", "{\"a\":1}"], ["l", "2.00", "[1 ]"]])
  }

  @Test func `names are quoted, in whatever case, with whatever letters`() async throws {
    try await probe.execute("CREATE SCHEMA \"My \(place.schema)\"")
    let name = "\"My \(place.schema)\".\"Or\"\"ders; --\""
    let target = table(name, ["Id": .text, "select": .integer, "a \"b\"": .text], key: ["Id"])
    var load = try await SimpleLoad(into: target, on: sink)
    let cells: [CellValue] = [.text("x"), .integer(1), .text("y")]
    #expect(try await load.commit([cells]) == counts(1, inserted: 1))
    #expect(
      try await load.commit([[.text("x"), .integer(2), .text("y")]]) == counts(1, updated: 1))
    try await load.finish()
    let found = try await probe.query(
      "SELECT \"Id\", \"select\", \"a \"\"b\"\"\" FROM \(name)")
    #expect(found == [["x", "2", "y"]])
    let listed = try await sink.runs(RunFilter(table: name))
    #expect(listed.count == 1)
  }

  @Test func `a name is taken as it is written, not in lower case`() async throws {
    try await probe.execute("CREATE TABLE target (id text PRIMARY KEY, n integer)")
    let target = table("Target", ["id": .text, "n": .integer], key: ["id"])
    var load = try await SimpleLoad(into: target, on: sink)
    try await load.commit([row("a", 1)])
    #expect(try await probe.value("SELECT count(*) FROM \"Target\"") == "1")
    #expect(try await probe.value("SELECT count(*) FROM target") == "0")
  }

  @Test func `columns that the server fills stay its own`() async throws {
    try await probe.execute(
      """
      CREATE TABLE target (
        pk bigint GENERATED ALWAYS AS IDENTITY, id text PRIMARY KEY, n integer,
        twice integer GENERATED ALWAYS AS (n * 2) STORED, at timestamptz NOT NULL DEFAULT now(),
        gone text);
      ALTER TABLE target DROP COLUMN gone
      """)
    var load = try await SimpleLoad(into: target, on: sink)
    try await load.commit([row("a", 1), row("b", 2)])
    #expect(
      try await load.commit([row("a", 5), row("b", 2)]) == counts(2, updated: 1, unchanged: 1))
    #expect(
      try await rows("id, pk, n, twice") == [["a", "1", "5", "10"], ["b", "2", "2", "4"]])
  }

  @Test func `a role that may only read and write rows is enough`() async throws {
    // Somebody else makes the tables.
    try await probe.execute("CREATE TABLE target (id text PRIMARY KEY, n integer, CHECK (n < 100))")
    try await probe.execute(PostgresSink.stateSQL(stateSchema: place.stateSchema))
    let url = try await place.role()
    try await probe.execute(
      """
      GRANT SELECT, INSERT, UPDATE, DELETE ON target TO \(place.roleName);
      GRANT USAGE ON SCHEMA \(place.stateSchema) TO \(place.roleName);
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA \(place.stateSchema)
        TO \(place.roleName);
      REVOKE TEMPORARY ON DATABASE \(place.database) FROM PUBLIC;
      """)
    let restricted = PostgresSink(url: url, stateSchema: place.stateSchema)
    for (number, mode) in [LoadMode.upsert, .insertOnly].enumerated() {
      var load = try await SimpleLoad(
        number + 1, into: table(["id": .text, "n": .integer], key: ["id"], mode), on: restricted)
      try await load.commit([row("a\(number)", 1), row("b", 1), row("c", 100)])
      #expect(
        try await load.commit([row("a\(number)", 2), row("d\(number)", 1)])
          == counts(2, inserted: 1, updated: 1))
      try await load.finish()
    }
    #expect(try await probe.value("SELECT count(*) FROM target") == "5")
    // Replacing would need a table.
    await #expect {
      _ = try await restricted.prepareTarget(
        table(["id": .text, "n": .integer], key: ["id"], .replace))
    } throws: { error in
      guard case SinkError.targetMismatch(_, let problems, let remedy) = error else { return false }
      return problems.count == 1 && remedy.contains("GRANT CREATE ON SCHEMA")
    }
  }

  @Test func `state tables that are missing and may not be made are named with the command`()
    async throws
  {
    let url = try await place.role()
    let restricted = PostgresSink(url: url, stateSchema: place.stateSchema)
    #expect(try await restricted.runs(RunFilter()).isEmpty)
    await #expect {
      try await restricted.prepareState()
    } throws: { error in
      guard case SinkError.fatal(_, let remedy) = error else { return false }
      return remedy.contains("cairn schema --print-sql")
    }
  }

  @Test func `rows that many rejects lie between cost little more than themselves`() async throws {
    try await probe.execute(
      """
      CREATE SEQUENCE tries;
      CREATE TABLE target (id text PRIMARY KEY, n integer CHECK (n >= 0));
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN PERFORM nextval('tries'); RETURN new; END$$;
      CREATE TRIGGER note BEFORE INSERT ON target FOR EACH ROW EXECUTE FUNCTION note()
      """)
    var load = try await SimpleLoad(into: target, on: sink)
    let batch = (0..<2_000).map { row("k\($0)", $0 % 20 == 7 ? -1 : Int64($0)) }
    #expect(
      try await load.commit(batch) == counts(2_000, inserted: 1_900, rejected: 100))
    // The server says where it stopped, so each row is tried about twice, not once per halving.
    let tries = try #require(Int(try await probe.value("SELECT last_value FROM tries") ?? ""))
    #expect(tries < 3 * 2_000)
  }
}
