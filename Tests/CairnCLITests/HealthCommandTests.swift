import AlertPeers
import Cairn
import CairnSQLite
import CairnTesting
import CommandParts
import Foundation
import GRDB
import Testing

/// Whom `cairn health` tells, and what: a webhook, a file of figures.
@Suite(.timeLimit(.minutes(20))) struct HealthCommandTests {
  private let place: Workplace
  private let sink: SQLiteSink

  /// A job that has run.
  init() async throws {
    place = try Workplace()
    sink = SQLiteSink(path: place.file("state.db"))
    try await work()
  }

  private func work() async throws {
    let job = CursorJob(
      name: "scripted", source: ScriptedSource(ScriptedWorld(repos: 2, items: 7)), into: sink,
      options: CursorJobOptions(policy: CheckpointPolicy(records: 5)))
    #expect(try await job.run().exitCode == 0)
  }

  /// Damages the newest checkpoint, and has the job come upon it.
  private func damage() async throws {
    try await DatabaseQueue(path: place.file("state.db")).write {
      try $0.execute(
        sql: """
          UPDATE cairn_job_checkpoints SET data = data || ' '
          WHERE generation = (SELECT max(generation) FROM cairn_job_checkpoints)
          """)
    }
    try await work()
  }

  private func failRecoveries(_ count: Int) async throws {
    for number in 1...count {
      try await sink.record(
        [JobFact(.recoveryFailed, detail: "502 Bad Gateway, time \(number)")], of: "scripted")
    }
  }

  private func writeJob(_ alerts: String) throws {
    try place.write(
      """
      job: jira_sync
      type: jira
      jira: { url: "http://127.0.0.1:1", email: bot@example.com, token: x }
      sink: { url: "sqlite:state.db" }
      alerts: \(alerts)
      """, to: "job.yaml")
  }

  private struct Message: Decodable { var text: String }

  private func messages(of peer: AlertPeer) throws -> [String] {
    try peer.requests.map { try JSONDecoder().decode(Message.self, from: Data($0.body.utf8)).text }
  }

  // MARK: Alerts

  @Test func `what is not well is told once, with whose it is and what to type`() async throws {
    let web = try await AlertPeer("http")
    try writeJob("{ webhook: \"\(web.address)/hook\", heartbeat: \"\(web.address)/beat\" }")
    #expect(try await place.cairn("health", "job.yaml").exitCode == 0)
    #expect(web.requests == [])

    try await damage()
    try await failRecoveries(3)
    let ill = try await place.cairn("health", "job.yaml")
    #expect(ill.exitCode == 1)
    #expect(!ill.standardError.contains("alert not sent"), "\(ill.standardError)")
    #expect(web.requests.map(\.path) == ["/hook"])
    #expect(web.requests.map(\.method) == ["POST"])
    let text = try #require(try messages(of: web).first)
    #expect(text.hasPrefix("*FAILED: health on "), "\(text)")
    #expect(
      text.contains(
        """
        error: Checkpoint health issue: recovery_failures = 3 (at most 2); \
        Checkpoint health issue: checkpoint_corruption_incidents = 1 (at most 0) (fatal)
        """), "\(text)")
    #expect(text.contains("target: sqlite:"), "\(text)")
    // The job that it happened to, and when, latest first.
    #expect(
      text.contains(
        #/\nrecovery_failures: 20[0-9T:.-]+Z scripted: 502 Bad Gateway, time 3; 20.*time 1\n/#),
      "\(text)")
    #expect(
      text.contains(
        #/\ncheckpoint_corruption_incidents: 20[0-9T:.-]+Z scripted: generation [0-9]+/#),
      "\(text)")
    #expect(!text.contains("checkpoint_storage_usage"), "\(text)")
    #expect(
      text.contains(#/next: `cd [^`]+ &amp;&amp; cairn health job\.yaml`/#), "\(text)")

    // What is tolerated is well, and nobody is told.
    let tolerated = try await place.cairn(
      "health", "job.yaml", "--max-recovery-failures", "3", "--max-corruption", "1")
    #expect(tolerated.exitCode == 0)
    #expect(web.requests.count == 1)
    // Who asks about a sink, and names no job file, has nobody to be told.
    #expect(try await place.cairn("health", "--into", "sqlite:state.db").exitCode == 1)
    #expect(web.requests.count == 1)
  }

  @Test func `who wants to hear of other endings is not told`() async throws {
    let web = try await AlertPeer("http")
    try writeJob("{ webhook: \"\(web.address)/hook\", on: [success, partial_success] }")
    try await damage()
    #expect(try await place.cairn("health", "job.yaml").exitCode == 1)
    #expect(web.requests == [])
  }

  @Test func `a webhook that is dead changes nothing but a warning`() async throws {
    try writeJob("{ webhook: \"http://127.0.0.1:\(try await AlertPeer.deadPort())/W3BHOOK\" }")
    try await damage()
    let ill = try await place.cairn("health", "job.yaml")
    #expect(ill.exitCode == 1)
    #expect(ill.standardError.contains("alert not sent: webhook: no connection"))
    #expect(!ill.standardError.contains("W3BHOOK"))
    #expect(ill.standardOutput.contains("checkpoint_corruption_incidents  1, at most 0"))
  }

  // MARK: Figures

  private struct Found: Decodable {
    var isWell: Bool
    var measures: [Measure]

    struct Measure: Decodable {
      var name: String
      var value: Int
      var unit: String
    }
  }

  private func found(_ outcome: ChildOutcome) throws -> Found {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Found.self, from: Data(outcome.standardOutput.utf8))
  }

  /// Holds the figures of a file against what the command printed.
  private func expectFigures(_ found: Found) async throws {
    let figures = try await RecordPeer.metrics(place.file("cairn.prom"))
    #expect(figures.count == found.measures.count + 1)
    func figure(_ name: String) -> Double? {
      #expect(CairnMetric.all.contains { $0.name == name && $0.kind == .gauge }, "\(name)")
      return figures.first { $0.key.hasPrefix("\(name){job=,sink=sqlite:") }?.value
    }
    for measure in found.measures {
      let name = "cairn_health_\(measure.name)" + (measure.unit == "bytes" ? "_bytes" : "")
      #expect(figure(name) == Double(measure.value), "\(name)")
    }
    #expect(figure("cairn_health_well") == (found.isWell ? 1 : 0))
  }

  @Test func `each measure is a figure, too`() async throws {
    try await damage()
    try await failRecoveries(2)
    let ill = try await place.cairn(
      "health", "--into", "sqlite:state.db", "--json", "--metrics-file", "cairn.prom")
    #expect(ill.exitCode == 1)
    let first = try found(ill)
    #expect(first.measures.map(\.value).dropFirst() == [0, 2, 1])
    #expect(first.measures.first?.value ?? 0 > 500)
    try await expectFigures(first)

    // Later ones replace them.
    try await failRecoveries(1)
    let later = try await place.cairn(
      "health", "--into", "sqlite:state.db", "--json", "--max-corruption", "1",
      "--max-recovery-failures", "3", environment: ["CAIRN_METRICS_FILE": "cairn.prom"])
    #expect(later.exitCode == 0)
    try await expectFigures(try found(later))

    let lost = try await place.cairn(
      "health", "--into", "sqlite:state.db", "--max-corruption", "1", "--max-recovery-failures",
      "3", "--metrics-file", "none/cairn.prom")
    #expect(lost.exitCode == 0)
    #expect(lost.standardError.contains("the metrics file is not written"))
  }
}
