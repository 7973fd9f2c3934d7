import CPostgres
import Cairn

/// Where a server is, and where Cairn's state is on it.
struct ServerAddress {
  /// What libpq is told: a URL or `key=value` text. May hold a password.
  let connection: String
  /// The schema of Cairn's state, if it is not the default one.
  let stateSchema: String?
  /// How messages and manifests name the server: without secrets, but otherwise so that it can be
  /// connected to again, and the state found.
  let location: String

  /// The parameter of a URL that names the state schema, and that libpq does not get to see.
  private static let parameter = "state_schema="

  /// Takes a URL or `key=value` text apart.
  ///
  /// - Parameter stateSchema: The schema of Cairn's state; nil for what the URL says.
  init(_ address: String, stateSchema: String?) {
    guard address.contains("://") else {
      connection = address
      self.stateSchema = stateSchema
      location = Self.location(ofSettings: address)
      return
    }
    let parts = address.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let all = parts.count == 2 ? parts[1].split(separator: "&") : []
    let own = all.last { $0.hasPrefix(Self.parameter) }
      .map { PercentCoding.decoded($0.dropFirst(Self.parameter.count)) }
    let others = all.filter { !$0.hasPrefix(Self.parameter) }.joined(separator: "&")
    let schema = stateSchema ?? own
    connection = parts[0] + (others.isEmpty ? "" : "?" + others)
    self.stateSchema = schema
    let shown = URLSecrets.redacted(connection)
    location =
      shown
      + (schema.map {
        (shown.contains("?") ? "&" : "?") + Self.parameter + PercentCoding.encoded($0)
      } ?? "")
  }

  /// `postgres://host:port/database` from what libpq makes of `key=value` text.
  private static func location(ofSettings address: String) -> String {
    var message: UnsafeMutablePointer<CChar>?
    guard let options = PQconninfoParse(address, &message) else {
      // What cannot be read may hold anything.
      if let message { PQfreemem(message) }
      return "postgres://"
    }
    defer { PQconninfoFree(options) }
    var found: [String: String] = [:]
    var option = options
    while let name = option.pointee.keyword {
      if let value = option.pointee.val { found[String(cString: name)] = String(cString: value) }
      option += 1
    }
    if let service = found["service"] { return "postgres:///?service=\(service)" }
    let host = found["host"] ?? found["hostaddr"] ?? ""
    let place = host.hasPrefix("/") ? "" : host
    return "postgres://\(place)" + (found["port"].map { ":\($0)" } ?? "")
      + "/\(found["dbname"] ?? "")"
  }
}
