/// What has a cursor of its own: a repository's pull requests, a project's issues.
public struct Partition: Sendable, Hashable {
  /// The phase it belongs to, one of ``CursorSource/phases``.
  public var phase: String
  /// Its name, unique within the phase: `apache/parquet-java`.
  public var name: String
  /// Whether it is read from its begin in every run, however far an earlier one came: a list that is to
  /// be discovered anew, a sweep.
  public var isReadWhole: Bool

  /// Names a partition.
  public init(phase: String, name: String, isReadWhole: Bool = false) {
    self.phase = phase
    self.name = name
    self.isReadWhole = isReadWhole
  }

  /// What is wrong with a cursor; nil when nothing is. Opaque as they are, none is empty, long or has
  /// control characters, but a damaged one may.
  static func problem(ofCursor cursor: String) -> String? {
    if cursor.isEmpty { return "is empty" }
    let bytes = cursor.utf8.count
    if bytes > 16 << 10 { return "has \(bytes) bytes; at most \(16 << 10) are allowed" }
    let isPlain = cursor.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
    return isPlain ? nil : "has control characters"
  }
}
