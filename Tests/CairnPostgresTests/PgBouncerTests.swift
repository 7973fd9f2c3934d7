import Cairn
import CairnPostgres
import CairnTesting
import Foundation
import Testing

/// The battery through PgBouncer in transaction mode, where every transaction may meet another
/// session of the server, and nothing set for a session holds.
@Suite("Behind PgBouncer in transaction mode")
struct PgBouncerTests {
  // Random histories would cost much time, and tell no more about sessions.
  private static let checks = SinkBattery.checks.indices.filter {
    !SinkBattery.checks[$0].name.hasPrefix("random histories")
  }

  @Test(arguments: checks)
  func check(_ number: Int) async throws {
    let bouncer = try await PgBouncer.shared
    await TestServer.slots.take()
    defer { TestServer.slots.giveBack() }
    let place = bouncer.place(number)
    try await SinkBattery.checks[number].run(
      on: SinkPlace(probe: place.probe) {
        PostgresSink(url: place.url, stateSchema: "bouncer_\(number)_state")
      })
  }
}

/// A PgBouncer before the tests' server, with a role and a schema for each check: startup options,
/// which would name a schema, are refused in its transaction mode.
private struct PgBouncer: Sendable {
  private static let starting = Task { try await PgBouncer(before: TestServer.shared) }

  static var shared: PgBouncer {
    get async throws { try await starting.value }
  }

  private let server: PostgresServer
  private let port: Int

  private init(before server: PostgresServer) async throws {
    self.server = server
    var roles: [String: String] = [:]
    var sql = ""
    for number in SinkBattery.checks.indices {
      let role = "bouncer_\(number)"
      roles[role] = "bounce"
      sql += """
        CREATE ROLE \(role) LOGIN SUPERUSER PASSWORD 'bounce';
        CREATE SCHEMA \(role); ALTER ROLE \(role) SET search_path = \(role);
        """
    }
    try await PostgresProbe(url: server.url()).execute(sql)
    port = try await server.startBouncer(users: roles)
  }

  func place(_ number: Int) -> (url: String, probe: PostgresProbe) {
    let role = "bouncer_\(number)"
    return (
      "postgres://\(role):bounce@127.0.0.1:\(port)/postgres",
      PostgresProbe(url: server.url(user: role, password: "bounce"))
    )
  }
}
