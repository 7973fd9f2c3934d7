import CPostgres

/// Where a server is, as messages and manifests say it.
enum ServerLocation {
  /// `postgres://host:port/database` from what libpq makes of a URL or `key=value` text: without
  /// user, password and options.
  static func describe(_ address: String) -> String {
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
    // A secret in the wrong place is no host and no port.
    let place = host.utf8.allSatisfy(isPartOfHost) ? host : ""
    let port = found["port"].map { $0.utf8.allSatisfy(isPartOfPort) ? ":\($0)" : "" } ?? ""
    return "postgres://\(place)\(port)/\(found["dbname"] ?? "")"
  }

  private static func isPartOfHost(_ byte: UInt8) -> Bool {
    isPartOfPort(byte) || (0x61...0x7A).contains(byte | 0x20) || "-_.:[]%".utf8.contains(byte)
  }

  /// Several hosts have several ports.
  private static func isPartOfPort(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || byte == UInt8(ascii: ",")
  }
}
