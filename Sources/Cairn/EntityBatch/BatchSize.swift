/// How many entities a batch has.
public enum BatchSize: Sendable, Hashable, ExpressibleByIntegerLiteral {
  /// Chosen from the processor's history: ``UnitsPerMark/entities(in:)``. 50 without one.
  case auto
  /// So many, at least 1.
  case entities(Int)

  /// The size where nobody says anything else.
  public static let standard = 50

  /// So many.
  public init(integerLiteral value: Int) { self = .entities(value) }
}
