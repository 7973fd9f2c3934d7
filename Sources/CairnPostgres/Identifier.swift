import Cairn

/// The name of a table as a user wrote it: `table`, `schema.table`, either part in double quotes.
///
/// Names are taken as they are written: `Orders` is the table `"Orders"`, not `orders`.
struct TableName: Hashable, Sendable {
  /// The schema, if one was written.
  var schema: String?
  /// The table.
  var name: String

  /// The longest name that PostgreSQL keeps, in bytes.
  static let longest = 63

  /// Reads a name.
  init(_ text: String) throws(TableNameError) {
    var parts: [String] = []
    var rest = Substring(text)
    while true {
      guard let first = rest.first else { throw .empty(text) }
      var part = ""
      if first == "\"" {
        rest.removeFirst()
        while true {
          guard let character = rest.popFirst() else { throw .unclosedQuote(text) }
          if character != "\"" {
            part.append(character)
          } else if rest.first == "\"" {
            part.append("\"")
            rest.removeFirst()
          } else {
            break
          }
        }
      } else {
        part = String(rest.prefix { $0 != "." })
        rest = rest.dropFirst(part.count)
      }
      parts.append(part)
      if rest.isEmpty { break }
      guard rest.removeFirst() == "." else { throw .unclosedQuote(text) }
    }
    guard parts.allSatisfy({ !$0.isEmpty && !$0.utf8.contains(0) }) else { throw .empty(text) }
    guard parts.count <= 2 else { throw .tooManyParts(text) }
    if let long = parts.first(where: { $0.utf8.count > Self.longest }) { throw .tooLong(long) }
    name = parts[parts.count - 1]
    schema = parts.count == 2 ? parts[0] : nil
    if name.hasPrefix(ShadowTable.prefix) { throw .reserved(name) }
  }

  /// The name for `to_regclass`.
  var quoted: String {
    (schema.map { $0.quotedIdentifier + "." } ?? "") + name.quotedIdentifier
  }
}

/// Why a text is not the name of a target table.
enum TableNameError: Error, Equatable, CustomStringConvertible {
  case empty(String)
  case unclosedQuote(String)
  case tooManyParts(String)
  case tooLong(String)
  case reserved(String)

  var description: String {
    switch self {
    case .empty(let text): "'\(text)' is not a table name"
    case .unclosedQuote(let text):
      "the quotes of table name '\(text)' do not close where a part ends"
    case .tooManyParts(let text): "'\(text)' has more parts than schema and table"
    case .tooLong(let name): "'\(name)' is longer than the 63 bytes that PostgreSQL keeps of a name"
    case .reserved(let name):
      "'\(name)' cannot be loaded: names that begin with \(ShadowTable.prefix) are taken"
    }
  }
}

/// A relation that is found whatever the search path says.
struct QualifiedName: Hashable, Sendable {
  var schema: String
  var name: String

  /// The name for SQL.
  var sql: String { "\(schema.quotedIdentifier).\(name.quotedIdentifier)" }

  /// The name under which Cairn's state knows the table.
  var identity: String { sql }

  /// Finds the schema that a name without one means: that of the table there is, or else the one
  /// that a new table would be in.
  static func resolve(_ table: TableName, on connection: Connection) throws -> QualifiedName {
    if let schema = table.schema { return QualifiedName(schema: schema, name: table.name) }
    let found = try connection.query(
      """
      SELECT coalesce(
        (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = to_regclass($1)), current_schema())
      """, [.text(table.quoted)])
    guard let schema = found.text(0, 0) else {
      throw SinkError.fatal(
        "'\(table.name)' names no schema, and the search path of the role names none that exists",
        remedy: "Write the table as schema.table.")
    }
    return QualifiedName(schema: schema, name: table.name)
  }

  /// As ``resolve(_:on:)``, from the text that a user wrote.
  static func resolve(_ text: String, on connection: Connection) throws -> QualifiedName {
    do {
      return try resolve(TableName(text), on: connection)
    } catch let error as TableNameError {
      throw SinkError.fatal("\(error)", remedy: "Correct the table's name.")
    }
  }
}

extension String {
  /// The text as a string of SQL, for what takes no parameters.
  var quotedLiteral: String {
    let doubled = replacing("'", with: "''")
    return utf8.contains(UInt8(ascii: "\\"))
      ? "E'" + doubled.replacing("\\", with: "\\\\") + "'" : "'\(doubled)'"
  }

  /// The text as an identifier of SQL.
  var quotedIdentifier: String {
    utf8.contains(UInt8(ascii: "\""))
      ? "\"" + replacing("\"", with: "\"\"") + "\"" : "\"\(self)\""
  }
}
