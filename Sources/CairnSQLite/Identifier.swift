/// A table of a SQLite database, found by the name a user wrote.
struct TableName: Hashable, Sendable {
  /// The name without quotes, as it was written.
  var name: String
  /// The name as SQLite compares it: ASCII letters in lower case.
  var identity: String { name.asciiLowercased }
  /// The name for SQL.
  var quoted: String { name.quotedIdentifier }

  /// Reads `name`, `main.name` or either with quotes of SQL: `"…"`, `[…]`, `` `…` ``.
  init(_ text: String) throws(TableNameError) {
    var parts: [String] = []
    var rest = Substring(text)
    while true {
      guard let first = rest.first else { throw .empty(text) }
      if let close = Self.closingQuote(of: first) {
        var part = ""
        rest.removeFirst()
        while true {
          guard let character = rest.popFirst() else { throw .unclosedQuote(text) }
          if character != close {
            part.append(character)
          } else if close != "]", rest.first == close {
            part.append(close)
            rest.removeFirst()
          } else {
            break
          }
        }
        parts.append(part)
      } else {
        let part = rest.prefix { $0 != "." }
        rest = rest.dropFirst(part.count)
        parts.append(String(part))
      }
      if rest.isEmpty { break }
      guard rest.removeFirst() == "." else { throw .unclosedQuote(text) }
    }
    guard parts.allSatisfy({ !$0.isEmpty && !$0.utf8.contains(0) }) else { throw .empty(text) }
    guard parts.count == 1 || (parts.count == 2 && parts[0].asciiLowercased == "main") else {
      throw .otherSchema(text)
    }
    let name = parts[parts.count - 1]
    if name.asciiLowercased.hasPrefix("cairn_") || name.asciiLowercased.hasPrefix("sqlite_") {
      throw .reserved(name)
    }
    self.name = name
  }

  private static func closingQuote(of character: Character) -> Character? {
    switch character {
    case "\"": "\""
    case "`": "`"
    case "[": "]"
    default: nil
    }
  }
}

/// Why a text is not the name of a target table.
enum TableNameError: Error, Equatable, CustomStringConvertible {
  case empty(String)
  case unclosedQuote(String)
  case otherSchema(String)
  case reserved(String)

  var description: String {
    switch self {
    case .empty(let text): "'\(text)' is not a table name"
    case .unclosedQuote(let text): "the quotes of table name '\(text)' do not close at its end"
    case .otherSchema(let text):
      "'\(text)' names a schema, but rows and marks must be in one file: write the table alone"
    case .reserved(let name):
      "'\(name)' cannot be loaded: names that begin with cairn_ or sqlite_ are taken"
    }
  }
}

extension String {
  /// The text as an identifier of SQL.
  var quotedIdentifier: String {
    utf8.contains(UInt8(ascii: "\""))
      ? "\"" + replacing("\"", with: "\"\"") + "\"" : "\"\(self)\""
  }

  /// The text with the letters A–Z in lower case, as SQLite compares names.
  var asciiLowercased: String {
    String(decoding: utf8.map(\.asciiLowercased), as: UTF8.self)
  }

  /// Whether SQLite takes the two names for the same.
  func isSameName(as other: String) -> Bool {
    utf8.elementsEqual(other.utf8) { $0.asciiLowercased == $1.asciiLowercased }
  }
}

extension UInt8 {
  /// The byte; of A–Z the lower-case letter.
  fileprivate var asciiLowercased: UInt8 { (0x41...0x5A).contains(self) ? self | 0x20 : self }
}
