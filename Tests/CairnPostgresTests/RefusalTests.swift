import Cairn
import CairnPostgres
import CairnTesting
import Testing

@Suite("Rows that PostgreSQL refuses")
struct RefusalTests {
  let place: PostgresPlace
  let sink: PostgresSink
  let target = table(["id": .text, "n": .integer], key: ["id"])

  var probe: PostgresProbe { place.probe }

  init() async throws {
    place = try await TestServer.place()
    sink = place.sink()
  }

  private func row(_ id: String, _ n: Int64?) -> [CellValue] {
    [.text(id), n.map(CellValue.integer) ?? .null]
  }

  private func ids() async throws -> [String?] {
    try await probe.query("SELECT id FROM target ORDER BY id").map { $0[0] }
  }

  @Test(arguments: ["", "DEFERRABLE INITIALLY DEFERRED", "DEFERRABLE"])
  func `a foreign key that some rows break rejects those`(_ when: String) async throws {
    try await probe.execute(
      """
      CREATE TABLE parent (n integer PRIMARY KEY);
      INSERT INTO parent VALUES (1), (2), (3);
      CREATE TABLE target (id text PRIMARY KEY, n integer REFERENCES parent \(when))
      """)
    var load = try await SimpleLoad(into: target, on: sink)
    #expect(
      try await load.commit([
        row("a", 1), row("b", 9), row("c", nil), row("d", 2), row("e", 8), row("d", 7),
      ]) == counts(6, inserted: 3, rejected: 3))
    // Also when it is an update that breaks it.
    #expect(
      try await load.commit([row("a", 3), row("c", 4)]) == counts(2, updated: 1, rejected: 1))
    #expect(
      try await probe.query("SELECT id, n FROM target ORDER BY id")
        == [["a", "3"], ["c", nil], ["d", "2"]])
    let reasons = try await load.reasons()
    #expect(reasons.count == 4)
    #expect(reasons.allSatisfy { $0.contains("foreign key") })
    // The server's DETAIL would name the key.
    #expect(!reasons.contains { $0.contains("(9)") || $0.contains("(n)=") })
  }

  @Test(arguments: ["", "DEFERRABLE INITIALLY DEFERRED"])
  func `rows that refer to later rows of the chunk are accepted`(_ when: String) async throws {
    try await probe.execute(
      """
      CREATE TABLE target (
        id integer PRIMARY KEY, parent integer REFERENCES target \(when), CHECK (id <> 13))
      """)
    let target = table(["id": .integer, "parent": .integer], key: ["id"])
    var load = try await SimpleLoad(into: target, on: sink)
    // Each refers to the next; one is refused, and with it the one that refers to it.
    let batch = (0..<40).map { [.integer($0), $0 == 39 ? .null : .integer($0 + 1)] as [CellValue] }
    let found = try await load.commit(batch)
    // 12 refers to 13, 11 to 12, and so on down to 0.
    #expect(found == counts(40, inserted: 26, rejected: 14))
    #expect(try await probe.value("SELECT min(id) FROM target") == "14")
  }

  @Test func `what a trigger raises or ignores rejects the row`() async throws {
    try await probe.execute(
      """
      CREATE TABLE target (id text PRIMARY KEY, n integer);
      CREATE FUNCTION judge() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF new.n = 7 THEN RAISE EXCEPTION 'seven is right out'; END IF;
        IF new.n = 8 THEN RETURN NULL; END IF;
        IF new.n = 9 THEN PERFORM 1 / 0; END IF;
        RETURN new;
      END$$;
      CREATE TRIGGER judge BEFORE INSERT OR UPDATE ON target
        FOR EACH ROW EXECUTE FUNCTION judge()
      """)
    var load = try await SimpleLoad(into: target, on: sink)
    #expect(
      try await load.commit([row("a", 1), row("b", 7), row("c", 8), row("d", 9), row("e", 2)])
        == counts(5, inserted: 2, rejected: 3))
    #expect(
      try await load.commit([row("a", 7), row("e", 8), row("e", 8), row("a", 1)])
        == counts(4, unchanged: 1, superseded: 1, rejected: 2))
    let reasons = try await load.reasons()
    #expect(reasons[0] == "1: seven is right out")
    #expect(reasons[1].contains("ignored"))
    #expect(reasons[2].contains("division by zero"))
    #expect(try await ids() == ["a", "e"])
  }

  @Test func `policies reject the rows that they forbid`() async throws {
    try await probe.execute(
      """
      CREATE TABLE target (id text PRIMARY KEY, n integer);
      INSERT INTO target VALUES ('hidden', 200);
      ALTER TABLE target ENABLE ROW LEVEL SECURITY
      """)
    try await place.grantAll()
    let url = try await place.role()
    try await probe.execute(
      """
      CREATE POLICY small ON target TO \(place.roleName) USING (n < 100) WITH CHECK (n < 100)
      """)
    let restricted = PostgresSink(url: url, stateSchema: place.stateSchema)
    var load = try await SimpleLoad(into: target, on: restricted)
    #expect(
      try await load.commit([row("a", 1), row("b", 100), row("c", 2)])
        == counts(3, inserted: 2, rejected: 1))
    // A row that exists, but that the role may not see.
    #expect(
      try await load.commit([row("a", 5), row("hidden", 1), row("c", 300)])
        == counts(3, updated: 1, rejected: 2))
    #expect(
      try await probe.query("SELECT id, n FROM target ORDER BY id")
        == [["a", "5"], ["c", "2"], ["hidden", "200"]])
  }

  @Test func `a table that the role may not write is no reason to reject rows`() async throws {
    try await probe.execute("CREATE TABLE target (id text PRIMARY KEY, n integer)")
    try await place.grantAll()
    let url = try await place.role()
    try await probe.execute("REVOKE UPDATE ON target FROM \(place.roleName)")
    let restricted = PostgresSink(url: url, stateSchema: place.stateSchema)
    try await restricted.prepareState()
    await #expect {
      _ = try await restricted.prepareTarget(target)
    } throws: { error in
      guard case SinkError.targetMismatch(_, let problems, let remedy) = error else { return false }
      return problems.contains { $0.contains("UPDATE") } && remedy.contains("GRANT UPDATE ON")
    }
    // And when the right is lost in the middle.
    try await probe.execute("GRANT UPDATE ON target TO \(place.roleName)")
    var load = try await SimpleLoad(into: target, on: restricted)
    try await load.commit([row("a", 1)])
    try await probe.execute("REVOKE INSERT ON target FROM \(place.roleName)")
    await #expect {
      try await load.commit([row("b", 1)])
    } throws: { error in
      guard case SinkError.fatal = error else { return false }
      return true
    }
    #expect(try await load.reasons().isEmpty)
  }

  @Test func `values that a type does not hold are found before they are sent`() async throws {
    try await probe.execute(
      """
      CREATE TABLE target (id integer PRIMARY KEY, a varchar(3), b smallint, c numeric(5,2), d real,
        e timestamp(0), f char(2))
      """)
    let target = table(
      [
        "id": .integer, "a": .text, "b": .integer, "c": .numeric(precision: 9, scale: 2),
        "d": .double, "e": .timestamp, "f": .text,
      ], key: ["id"])
    var load = try await SimpleLoad(into: target, on: sink)
    let good: [CellValue] = [
      .integer(1), .text("äöü  "), .integer(-32_768), .numeric(-99_999), .double(0.1),
      .timestamp(1_000_000), .text("x"),
    ]
    let bad: [(Int, CellValue)] = [
      (1, .text("äöüß")), (1, .text("a\0b")), (2, .integer(32_768)), (3, .numeric(100_000)),
      (4, .double(1e300)), (5, .timestamp(1_500_000)), (6, .text("abc")),
    ]
    let batch =
      [good]
      + bad.enumerated().map { number, change in
        var row = good
        row[0] = .integer(Int64(number) + 2)
        row[change.0] = change.1
        return row
      }
    #expect(
      try await load.commit(batch) == counts(batch.count, inserted: 1, rejected: bad.count))
    #expect(
      try await probe.query("SELECT * FROM target")
        == [["1", "äöü", "-32768", "-999.99", "0.1", "1970-01-01 00:00:01", "x "]])
    // Again: what was cut to length is equal to what is there.
    #expect(try await load.commit([good]) == counts(1, unchanged: 1))
    let rejects = try await sink.rejects(of: load.record.syncID, offset: 0, limit: 10)
    #expect(rejects.map(\.column) == ["a", "a", "b", "c", "d", "e", "f"])
  }

  @Test func `text that is too long for the index of its key is a reject`() async throws {
    var load = try await SimpleLoad(into: target, on: sink)
    // Random enough not to be compressed.
    var random = SystemRandomNumberGenerator()
    let long = String(
      (0..<9_000).map { _ in "abcdefghijklmnop".randomElement(using: &random) ?? "x" })
    #expect(
      try await load.commit([row("a", 1), row(long, 2), row("b", 3)])
        == counts(3, inserted: 2, rejected: 1))
  }
}
