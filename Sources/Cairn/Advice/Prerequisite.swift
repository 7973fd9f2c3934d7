/// Something that should hold before one relies on checkpoints.
public struct Prerequisite: Sendable, Hashable, Codable {
  /// What should hold.
  public var name: String
  /// Whether it does; nil when nothing tells.
  public var isMet: Bool?
  /// The figures behind it.
  public var finding: String

  /// Makes a prerequisite.
  public init(_ name: String, isMet: Bool?, finding: String) {
    self.name = name
    self.isMet = isMet
    self.finding = finding
  }
}
