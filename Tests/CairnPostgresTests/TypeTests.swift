import Cairn
import CairnPostgres
import CairnTesting
import Testing

@Suite("Types that only PostgreSQL has")
struct TypeTests {
  let place: PostgresPlace
  let sink: PostgresSink

  var probe: PostgresProbe { place.probe }

  init() async throws {
    place = try await TestServer.place()
    sink = place.sink()
  }

  /// Two that create an extension at once are in each other's way, IF NOT EXISTS or not.
  private func createCitext() async throws {
    try await probe.execute(
      """
      BEGIN; SELECT pg_advisory_xact_lock(4711);
      CREATE EXTENSION IF NOT EXISTS citext SCHEMA public; COMMIT
      """)
  }

  @Test func `citext decides itself which keys are equal`() async throws {
    try await createCitext()
    try await probe.execute("CREATE TABLE target (id citext PRIMARY KEY, n integer)")
    let target = table(["id": .text, "n": .integer], key: ["id"])
    try await checkCaseInsensitiveKey(target)
  }

  @Test func `citext in a schema that is not searched compares as citext too`() async throws {
    // The operator is taken from the index, not from the search path.
    let other = PostgresPlace(like: place, searchPath: place.schema)
    try await createCitext()
    try await probe.execute("CREATE TABLE target (id public.citext PRIMARY KEY, n integer)")
    let target = table(["id": .text, "n": .integer], key: ["id"])
    try await checkCaseInsensitiveKey(target, on: other.sink())
  }

  @Test func `a collation decides which keys are equal`() async throws {
    try await probe.execute(
      """
      CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      CREATE TABLE target (id text COLLATE loose PRIMARY KEY, n integer)
      """)
    let target = table(["id": .text, "n": .integer], key: ["id"])
    try await checkCaseInsensitiveKey(target)
  }

  private func checkCaseInsensitiveKey(
    _ target: TargetTable, on sink: PostgresSink? = nil
  ) async throws {
    let sink = sink ?? self.sink
    func row(_ id: String, _ n: Int64) -> [CellValue] { [.text(id), .integer(n)] }
    var load = try await SimpleLoad(into: target, on: sink)
    #expect(
      try await load.commit([row("Key", 1), row("other", 1), row("KEY", 2)])
        == counts(3, inserted: 2, superseded: 1))
    #expect(
      try await load.commit([row("key", 2), row("other", 1), row("new", 1), row("Other", 1)])
        == counts(4, inserted: 1, updated: 2, superseded: 1))
    #expect(
      try await probe.query("SELECT id, n FROM target ORDER BY n, id::text COLLATE \"C\"")
        == [["Other", "1"], ["new", "1"], ["key", "2"]])
    // A late chunk knows its keys again, whatever their case.
    var late = try await SimpleLoad(2, into: target, on: sink)
    let first = try late.work([row("KEY", 7), row("late", 7)])
    try await late.commit([row("kEy", 8)])
    let committed = try await sink.stage(first).commit(
      under: late.lease, rejectAllowance: .max)
    #expect(committed.entry.counts == counts(2, inserted: 1, superseded: 1))
    #expect(try await probe.value("SELECT n FROM target WHERE lower(id::text) = 'key'") == "8")
  }

  @Test func `text becomes whatever PostgreSQL reads from text`() async throws {
    try await probe.execute(
      """
      CREATE TYPE mood AS ENUM ('sad', 'ok');
      CREATE DOMAIN small AS integer CHECK (value < 10);
      CREATE DOMAIN code AS varchar(3) NOT NULL CHECK (value <> 'bad');
      CREATE TABLE target (
        id code PRIMARY KEY, m mood, s small, a integer[], t text[], i inet, b bytea, r int4range,
        v bit(3), x interval, p point)
      """)
    let target = table(
      [
        "id": .text, "m": .text, "s": .integer, "a": .text, "t": .text, "i": .text, "b": .text,
        "r": .text, "v": .text, "x": .text, "p": .text,
      ], key: ["id"])
    let good: [CellValue] = [
      .text("abc"), .text("ok"), .integer(9), .text("{1, 2,NULL}"), .text("{\"a b\",c}"),
      .text("10.0.0.1"), .text("\\x00ff"), .text("[1,5]"), .text("101"), .text("1 day 02:00"),
      .text("(1,2)"),
    ]
    let changes: [(Int, CellValue)] = [
      (0, .text("bad")), (1, .text("happy")), (2, .integer(10)), (3, .text("{1")),
      (5, .text("10.0.0.256")), (6, .text("\\xf")), (7, .text("[5,1]")), (8, .text("1011")),
    ]
    let rejected = changes.enumerated().map { number, change in
      var row = good
      row[0] = .text("r\(number)")
      row[change.0] = change.1
      return row
    }
    var load = try await SimpleLoad(into: target, on: sink)
    var empty = good.map { _ in CellValue.null }
    empty[0] = .text("nul")
    #expect(
      try await load.commit([good, empty] + rejected)
        == counts(rejected.count + 2, inserted: 2, rejected: rejected.count))
    #expect(
      try await probe.query("SELECT * FROM target WHERE id = 'abc'") == [
        [
          "abc", "ok", "9", "{1,2,NULL}", "{\"a b\",c}", "10.0.0.1", "\\x00ff", "[1,6)", "101",
          "1 day 02:00:00", "(1,2)",
        ]
      ])
    #expect(try await load.commit([good, empty]) == counts(2, unchanged: 2))
    var moved = good
    moved[10] = .text("(1,3)")
    #expect(try await load.commit([moved]) == counts(1, updated: 1))
  }

  @Test(arguments: ["jsonb", "inet", "numrange", "bytea"])
  func `keys of any type that has an index`(_ type: String) async throws {
    let values: [String: [String]] = [
      "jsonb": ["{\"a\":1}", "{\"a\": 1.0}", "[]"],
      "inet": ["10.0.0.1", "10.0.0.1/32", "10.0.0.2"],
      "numrange": ["[1,2)", "[1.0,2)", "[1,3)"], "bytea": ["\\x0a", "\\x0A", "\\x0b"],
    ]
    try await probe.execute("CREATE TABLE target (id \(type) PRIMARY KEY, n integer)")
    let target = table(["id": type == "jsonb" ? .json : .text, "n": .integer], key: ["id"])
    let texts = values[type] ?? []
    var load = try await SimpleLoad(into: target, on: sink)
    // The first two are one key in two forms.
    #expect(
      try await load.commit(texts.map { [.text($0), .integer(1)] })
        == counts(3, inserted: 2, superseded: 1))
    #expect(
      try await load.commit([[.text(texts[0]), .integer(2)], [.text(texts[2]), .integer(1)]])
        == counts(2, updated: 1, unchanged: 1))
  }

  @Test func `an array is no key`() async throws {
    try await probe.execute("CREATE TABLE target (id integer[] PRIMARY KEY, n integer)")
    await #expect {
      _ = try await sink.prepareTarget(table(["id": .text, "n": .integer], key: ["id"]))
    } throws: { error in
      guard case SinkError.targetMismatch(_, let problems, _) = error else { return false }
      return problems.count == 1 && problems[0].contains("'id' is integer[]")
    }
  }

  @Test func `minus zero is zero`() async throws {
    let target = table(["id": .double, "n": .integer], key: ["id"])
    var load = try await SimpleLoad(into: target, on: sink)
    #expect(
      try await load.commit([
        [.double(0), .integer(1)], [.double(-0.0), .integer(2)], [.double(.nan), .integer(1)],
        [.double(.nan), .integer(2)], [.double(.infinity), .integer(1)],
      ]) == counts(5, inserted: 3, superseded: 2))
  }

  @Test func `what does not fit is said, with the statement that would mend it`() async throws {
    try await probe.execute(
      """
      CREATE TABLE target (
        id text, n text, t date, g integer GENERATED ALWAYS AS (1) STORED,
        i integer GENERATED ALWAYS AS IDENTITY, z timestamptz, p numeric(5,1), must text NOT NULL);
      CREATE UNIQUE INDEX ON target (id) WHERE id <> 'x'
      """)
    let target = table(
      [
        "id": .text, "n": .integer, "t": .text, "g": .integer, "i": .integer, "z": .timestamp,
        "p": .numeric(precision: 5, scale: 2), "New": .date,
      ], key: ["id"])
    try await sink.prepareState()
    let error = await #expect(throws: SinkError.self) { _ = try await sink.prepareTarget(target) }
    guard case .targetMismatch(_, let problems, let remedy) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    for word in ["'n'", "'t'", "'g'", "'i'", "'z'", "'p'", "'New'", "'must'", "unique index"] {
      #expect(problems.contains { $0.contains(word) }, "\(word)")
    }
    #expect(problems.count == 9)
    #expect(remedy.contains("CREATE UNIQUE INDEX \"target_id_key\" ON"))
    #expect(remedy.contains("ADD COLUMN \"New\" date;"))
    // Every statement does what it says.
    for line in remedy.split(separator: "\n") where line.hasSuffix(";") {
      await #expect(throws: Never.self, "\(line)") {
        // Texts are not dates or numbers by themselves.
        let using = line.contains(" TYPE ") ? " USING NULL;" : ";"
        try await probe.execute(String(line.dropLast()) + using)
      }
    }
    _ = try await sink.prepareTarget(target)
  }

  @Test func `a deferrable unique constraint is no key`() async throws {
    try await probe.execute(
      "CREATE TABLE target (id text UNIQUE DEFERRABLE INITIALLY DEFERRED, n integer)")
    try await sink.prepareState()
    await #expect {
      _ = try await sink.prepareTarget(table(["id": .text, "n": .integer], key: ["id"]))
    } throws: { error in
      guard case SinkError.targetMismatch = error else { return false }
      return true
    }
  }
}
