/// A row that failed parsing, validation or the database's own rules: data, not an error.
public struct Reject: Sendable, Hashable, Codable {
  /// Number of the row in the source, from 0, malformed rows counted.
  public var row: UInt64
  /// Number of the line it starts on, from 1.
  public var line: UInt64
  /// Offset of its first byte in the decompressed source.
  public var byteOffset: UInt64
  /// The column at fault, when it is one.
  public var column: String?
  /// The rule it broke: `field_count`, `required`, `type`, `one_of`, a rule's own name…
  public var rule: String
  /// What was expected and what was found.
  public var reason: String
  /// The row as it was, or masked, or nil, as the job's `errors.raw` says.
  public var raw: [UInt8]?
  /// What became of it in a replay, as ``ReplayFate/word``; nil as long as it is open.
  public var replayed: String?

  /// Makes a reject.
  public init(
    row: UInt64, line: UInt64, byteOffset: UInt64, column: String?, rule: String, reason: String,
    raw: [UInt8]?, replayed: String? = nil
  ) {
    self.replayed = replayed
    self.row = row
    self.line = line
    self.byteOffset = byteOffset
    self.column = column
    self.rule = rule
    self.reason = reason
    self.raw = raw
  }
}
