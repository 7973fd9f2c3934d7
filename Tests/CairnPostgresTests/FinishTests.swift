import Cairn
import CairnPostgres
import CairnTesting
import Foundation
import Testing

@Suite("What follows once the rows are in place", .timeLimit(.minutes(20)))
struct FinishTests {
  let place: PostgresPlace
  let target = table(["id": .text, "n": .integer], key: ["id"])

  var probe: PostgresProbe { place.probe }

  init() async throws { place = try await TestServer.place() }

  private func sink(patience: Duration = .seconds(20)) -> PostgresSink {
    PostgresSink(url: place.url, stateSchema: place.stateSchema, lockPatience: patience)
  }

  private func row(_ id: String, _ n: Int64) -> [CellValue] { [.text(id), .integer(n)] }

  private func sum(of view: String) async throws -> String? {
    try await probe.value("SELECT total FROM \(view)")
  }

  private func makeView(_ name: String, isIndexed: Bool = false) async throws {
    try await probe.execute("CREATE MATERIALIZED VIEW \(name) AS SELECT sum(n) total FROM target")
    if isIndexed { try await probe.execute("CREATE UNIQUE INDEX ON \(name) (total)") }
  }

  // MARK: Views

  @Test func `a view is refreshed once per run, beside its readers where it can be`() async throws {
    let impatient = sink(patience: .milliseconds(300))
    var load = try await SimpleLoad(into: target, on: impatient)
    try await makeView("plain")
    try await makeView("\"In dexed\"", isIndexed: true)
    try await load.commit([row("a", 1), row("b", 2)])
    let reader = PostgresProbe(url: place.url)
    try await reader.execute("BEGIN; SELECT FROM plain; SELECT FROM \"In dexed\"")
    try await impatient.refresh("\(place.schema).\"In dexed\"", under: load.lease)
    #expect(try await sum(of: "\"In dexed\"") == "3")
    // Without a unique index it has to wait for its readers.
    await #expect {
      try await impatient.refresh("plain", under: load.lease)
    } throws: { error in
      guard case SinkError.transient = error else { return false }
      return true
    }
    try await reader.execute("COMMIT")
    try await impatient.refresh("plain", under: load.lease)
    #expect(try await sum(of: "plain") == "3")
    // The mark is there: a resume repeats nothing.
    try await load.commit([row("a", 10)])
    try await impatient.refresh("plain", under: load.lease)
    #expect(try await sum(of: "plain") == "3")
  }

  @Test func `what is no materialized view is said`() async throws {
    let load = try await SimpleLoad(into: target, on: sink())
    try await probe.execute("CREATE VIEW ordinary AS SELECT 1")
    for name in ["ordinary", "target", "missing", "a.b.c", "x; DROP TABLE target"] {
      await #expect("\(name)") {
        try await load.sink.refresh(name, under: load.lease)
      } throws: { error in
        guard case SinkError.fatal = error else { return false }
        return true
      }
    }
  }

  @Test func `who takes a run over ends the refresh of its former owner`() async throws {
    let load = try await SimpleLoad(into: target, on: sink())
    try await makeView("plain")
    let reader = PostgresProbe(url: place.url)
    try await reader.execute("BEGIN; SELECT FROM plain")
    let lease = load.lease
    let refresh = Task { try await load.sink.refresh("plain", under: lease) }
    var waiting: String? = "0"
    while waiting == "0" {
      try await Task.sleep(for: .milliseconds(5))
      waiting = try await probe.value(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'plain'::regclass")
    }
    let successor = sink()
    let outcome = try await successor.acquireLease(
      of: load.record.syncID, owner: LeaseOwner(host: "elsewhere", pid: 2, processStart: "y"),
      duration: .seconds(60), takeOver: true)
    await #expect(throws: SinkError.self) { try await refresh.value }
    #expect(
      try await probe.value(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'plain'::regclass") == "0")
    try await reader.execute("COMMIT")
    guard case .acquired(let newer, _) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    await #expect {
      try await load.sink.refresh("plain", under: lease)
    } throws: { error in
      guard case SinkError.fenced = error else { return false }
      return true
    }
    try await successor.refresh("plain", under: newer)
  }

  private func job(_ mode: LoadMode, refresh: [String]) -> Job {
    Job(
      name: "numbers", checkpoint: CheckpointOptions(enabled: false),
      columns: [
        ColumnRule(name: "id", type: .text, required: true), ColumnRule(name: "n", type: .integer),
      ],
      sink: SinkOptions(url: "", table: "target", key: ["id"], mode: mode, refresh: refresh),
      retry: RetryPolicy(
        attempts: 2, minimumBackoff: .milliseconds(1), maximumBackoff: .milliseconds(2)))
  }

  @Test(arguments: [LoadMode.upsert, .replace])
  func `a view that fails makes the run partial, and a resume refreshes just that one`(
    _ mode: LoadMode
  ) async throws {
    try await probe.execute(
      "CREATE TABLE target (id text PRIMARY KEY, n integer); INSERT INTO target VALUES ('o', 100)")
    // A view that names the table would stay with the old one; a function reads the new one too.
    try await probe.execute(
      """
      CREATE FUNCTION total() RETURNS bigint LANGUAGE plpgsql AS
        $$BEGIN RETURN (SELECT sum(n) FROM \(place.schema).target); END$$;
      CREATE MATERIALIZED VIEW good AS SELECT \(place.schema).total();
      CREATE TABLE switch AS SELECT 0 AS divisor;
      CREATE FUNCTION broken() RETURNS bigint LANGUAGE plpgsql AS
        $$BEGIN RETURN \(place.schema).total() / (SELECT divisor FROM \(place.schema).switch); END$$;
      CREATE MATERIALIZED VIEW bad AS SELECT \(place.schema).broken() AS total WITH NO DATA
      """)
    let path = NSTemporaryDirectory() + "/numbers-\(UUID().uuidString).csv"
    try Data("id,n\na,1\nb,2\n".utf8).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let source = FileSource(path: path, options: SourceOptions(delimiter: ","))
    let sink = sink()
    let job = job(mode, refresh: ["bad", "good"])
    let first = try await load(job, from: source, into: sink)
    guard case .partial(let receipt) = first else {
      Issue.record("\(first)")
      return
    }
    #expect(receipt.failedViews == ["bad"])
    let run = try #require(try await sink.runs(RunFilter(syncID: receipt.syncID)).first)
    #expect(run.status == .partialSuccess && run.completedAt == nil)
    #expect(run.error?.contains("bad") == true)
    let expected = mode == .replace ? "3" : "103"
    #expect(try await sum(of: "good") == expected)
    // Nothing but the view is repeated.
    try await probe.execute("UPDATE switch SET divisor = 1; UPDATE target SET n = n + 1000")
    let second = try await load(job, from: source, into: sink)
    guard case .done(let done) = second else {
      Issue.record("\(second)")
      return
    }
    #expect(done.syncID == receipt.syncID && done.attemptWork.rows == 0)
    #expect(try await sum(of: "good") == expected)
    #expect(try await sum(of: "bad") == (mode == .replace ? "2003" : "3103"))
    let finished = try #require(try await sink.runs(RunFilter(syncID: receipt.syncID)).first)
    #expect(finished.status == .completed && finished.error == nil)
  }

  // MARK: Statistics

  @Test func `statistics are made anew after a large load, and only then`() async throws {
    try await probe.execute(
      """
      CREATE TABLE target (id text PRIMARY KEY, n integer) WITH (autovacuum_enabled = false)
      """)
    let statistics = "SELECT reltuples FROM pg_class WHERE oid = 'target'::regclass"
    var small = try await SimpleLoad(1, into: target, on: sink())
    try await small.commit((0..<500).map { row("small \($0)", $0) })
    try await small.finish()
    #expect(try await probe.value(statistics) == "-1")
    var large = try await SimpleLoad(2, into: target, on: sink())
    try await large.commit((0..<12_000).map { row("large \($0)", $0) })
    try await large.finish()
    #expect(try await probe.value(statistics) == "12500")
    let columns = "SELECT string_agg(attname, ',' ORDER BY attname) FROM pg_stats "
    #expect(
      try await probe.value(columns + "WHERE schemaname = '\(place.schema)'") == "id,n")
  }

  @Test func `where autovacuum will come the statistics are of a smaller sample`() async throws {
    // It does not come within the time of a test, but the table says nothing against it.
    var large = try await SimpleLoad(into: target, on: sink())
    try await large.commit((0..<12_000).map { row("large \($0)", $0) })
    try await large.finish()
    let bounds =
      "SELECT array_length(histogram_bounds, 1) FROM pg_stats WHERE tablename = 'target' "
      + "AND schemaname = '\(place.schema)' ORDER BY attname"
    #expect(try await probe.query(bounds) == [["21"], ["21"]])
    #expect(
      try await probe.value("SELECT reltuples FROM pg_class WHERE oid = 'target'::regclass")
        == "12000")
  }

  // MARK: Durability

  @Test func `a finished run survives a crash of a server that commits asynchronously`()
    async throws
  {
    let server = try await PostgresServer(
      isDurable: true,
      settings: ["synchronous_commit=off", "checkpoint_timeout=1h", "autovacuum=off"])
    let probe = PostgresProbe(url: server.url())
    // Nothing reaches the disk by itself before the crash: who would write it is stopped.
    let writer = try await probe.value(
      "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'")
    kill(try #require(pid_t(writer ?? "")), SIGSTOP)
    let sink = PostgresSink(url: server.url())
    var load = try await SimpleLoad(into: target, on: sink)
    try await load.commit([row("a", 1)])
    try await load.finish()
    var lost = try await SimpleLoad(2, into: target, on: sink)
    try await lost.commit([row("b", 1)])
    try await server.crash()
    #expect(try await probe.query("SELECT id FROM target") == [["a"]])
    let runs = try await PostgresSink(url: server.url()).runs(RunFilter())
    // The second had begun, and that is not forgotten either; only its chunk is.
    #expect(runs.map(\.status) == [.converting, .completed])
    #expect(runs.map(\.committedChunks) == [0, 1])
  }
}
