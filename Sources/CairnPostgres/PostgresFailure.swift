import CPostgres
import Cairn

/// An error of the server: its SQLSTATE, its message, and what it is about.
///
/// The server's DETAIL, which shows values of rows, is not kept.
struct PostgresFailure: Error, Hashable {
  /// The SQLSTATE; ``connectionLost`` when the connection broke.
  var state: String
  /// The server's primary message.
  var message: String
  var schema: String?
  var table: String?
  var column: String?
  /// The constraint, or the index of a unique violation.
  var constraint: String?
  /// The row of a COPY at which the server was, from 0. A hint, since it is read out of text.
  var copyRow: Int?

  /// Stands for a connection that broke (class 08, "connection failure").
  static let connectionLost = "08006"

  init(state: String, message: String) {
    self.state = state
    self.message = message
  }

  /// Takes the error of a result.
  init(_ result: OpaquePointer, isConnectionLost: Bool) {
    func field(_ code: Int32) -> String? {
      PQresultErrorField(result, code).map { String(cString: $0) }
    }
    func code(_ letter: Unicode.Scalar) -> Int32 { Int32(letter.value) }
    let found = field(code("C"))
    state = found ?? (isConnectionLost ? Self.connectionLost : "XX000")
    message = field(code("M")) ?? Self.trimmed(PQresultErrorMessage(result))
    schema = field(code("s"))
    table = field(code("t"))
    column = field(code("c"))
    constraint = field(code("n"))
    if let context = field(code("W")) { copyRow = Self.copyRow(in: context) }
    if message.isEmpty { message = "the connection to the server broke" }
  }

  /// The error by what follows from it.
  ///
  /// - Parameter location: Where the server is, for the message.
  func sinkError(location: String) -> SinkError {
    switch SQLState.consequence(of: state) {
    case .transient: .transient("\(location): \(message) (SQLSTATE \(state))")
    case .data: .fatal("\(location): \(message) (SQLSTATE \(state))", remedy: "")
    case .fatal(let remedy):
      .fatal("\(location): \(message) (SQLSTATE \(state))", remedy: remedy)
    }
  }

  /// The number in `COPY target, line 5, column n`, whose words depend on the server's language.
  static func copyRow(in context: String) -> Int? {
    guard let line = context.split(separator: "\n").first(where: { $0.hasPrefix("COPY ") }),
      let comma = line.firstIndex(of: ",")
    else { return nil }
    let digits = line[comma...].drop { !$0.isASCII || !$0.isNumber }
      .prefix { $0.isASCII && $0.isNumber }
    return Int(digits).map { $0 - 1 }
  }

  /// A message of libpq without the newline at its end.
  static func trimmed(_ text: UnsafePointer<CChar>?) -> String {
    guard let text else { return "" }
    var message = String(cString: text)
    while message.last?.isWhitespace == true { message.removeLast() }
    return message
  }
}
