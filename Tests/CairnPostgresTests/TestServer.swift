import CairnPostgres
import CairnTesting
import Foundation

/// The server of these tests, started once.
enum TestServer {
  private static let starting = Task { try await PostgresServer() }

  /// The server.
  static var shared: PostgresServer {
    get async throws { try await starting.value }
  }

  /// Tests begin all at once, and each has some connections.
  static let slots = Slots(24)

  /// A place for the battery: a schema of its own, and one for Cairn's state.
  static func place() async throws -> PostgresPlace { try await PostgresPlace(on: shared) }
}

/// A schema in a database of the tests' server, found first in the search path.
final class PostgresPlace: Sendable {
  let schema: String
  let url: String
  let probe: PostgresProbe
  private let hasSlot: Bool

  init(on server: PostgresServer, database: String = "postgres") async throws {
    await TestServer.slots.take()
    hasSlot = true
    schema = "check_" + UUID().uuidString.lowercased().prefix(8)
    url = server.url(database: database) + "?options=-csearch_path%3D\(schema)%2Cpublic"
    probe = PostgresProbe(url: url)
    // A schema that a crash takes away would leave the next one in the search path.
    try await probe.execute("SET synchronous_commit = on")
    try await probe.execute("CREATE SCHEMA \(schema)")
  }

  /// The same schema under another search path.
  init(like place: PostgresPlace, searchPath: String) {
    schema = place.schema
    hasSlot = false
    url = place.url.split(separator: "?")[0] + "?options=-csearch_path%3D\(searchPath)"
    probe = place.probe
  }

  deinit { if hasSlot { TestServer.slots.giveBack() } }

  /// The schema of Cairn's state.
  var stateSchema: String { schema + "_state" }

  /// A sink with connections of its own.
  func sink() -> PostgresSink { PostgresSink(url: url, stateSchema: stateSchema) }

  /// The place as the battery wants it.
  var battery: SinkPlace {
    SinkPlace(probe: probe) { self.sink() }
  }
}

extension PostgresPlace {
  /// The database.
  var database: String { "postgres" }

  /// The name of the role that ``role()`` makes.
  var roleName: String { schema + "_role" }

  /// Makes a role that may do nothing but look at the schema; its URL.
  func role(on server: PostgresServer? = nil) async throws -> String {
    let found = try await probe.value(
      "SELECT count(*) FROM pg_roles WHERE rolname = '\(roleName)'")
    if found == "0" {
      try await probe.execute(
        "CREATE ROLE \(roleName) LOGIN PASSWORD 'secret of the role'; "
          + "GRANT USAGE ON SCHEMA \(schema) TO \(roleName)")
    }
    let server = if let server { server } else { try await TestServer.shared }
    return server.url(
      user: roleName, password: "secret%20of%20the%20role", database: database)
      + "?options=-csearch_path%3D\(schema)%2Cpublic"
  }

  /// Makes state tables, and lets the role write them and every table of the schema.
  func grantAll() async throws {
    _ = try await role()
    try await probe.execute(PostgresSink.stateSQL(stateSchema: stateSchema))
    for name in [schema, stateSchema] {
      try await probe.execute(
        """
        GRANT USAGE ON SCHEMA \(name) TO \(roleName);
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA \(name) TO \(roleName)
        """)
    }
  }
}
