/// One column of the target: where its value comes from, its type, and what it must satisfy.
public struct ColumnRule: Sendable, Hashable, Codable {
  /// The column's name in the target.
  public var name: String
  /// Its type.
  public var type: ColumnType
  /// Where the value comes from.
  public var origin: ColumnOrigin
  /// Whether a row without a value is rejected.
  public var required: Bool
  /// Fields that mean "no value" here, beside the source's; for combined columns compared with the
  /// parts joined by a space.
  public var nulls: [String]
  /// The pattern dates and times are written in (Unicode TR 35 letters, for example
  /// `yyyyMMdd HHmmss`), or nil for ISO 8601.
  public var format: String?
  /// Whether white space around the field is dropped; nil means yes for all types but text.
  public var trim: Bool?
  /// The value, in the target's notation, of a row that has none.
  public var defaultValue: String?
  /// The smallest value allowed, in the target's notation.
  public var minimum: String?
  /// The largest value allowed, in the target's notation.
  public var maximum: String?
  /// The values allowed, in the target's notation; empty when all are.
  public var oneOf: [String]
  /// A regular expression that the whole text must match, or nil.
  public var pattern: String?
  /// The most characters (Unicode scalars) of a text, or nil.
  public var maxLength: Int?
  /// What happens to a number with more digits after the point than its type holds.
  public var onOverflow: OverflowRule
  /// Words that mean true, for booleans, in either case; empty for the default words `true`, `t`,
  /// `yes`, `y`, `1`. A word is a word even if it is among the nulls.
  public var trueWords: [String]
  /// Words that mean false, for booleans, in either case; empty for the default words `false`, `f`,
  /// `no`, `n`, `0`.
  public var falseWords: [String]

  /// Makes a rule; whatever is not given has the default that the job file has.
  public init(
    name: String, type: ColumnType, origin: ColumnOrigin? = nil, required: Bool = false,
    nulls: [String] = [], format: String? = nil, trim: Bool? = nil, defaultValue: String? = nil,
    minimum: String? = nil, maximum: String? = nil, oneOf: [String] = [], pattern: String? = nil,
    maxLength: Int? = nil, onOverflow: OverflowRule = .reject, trueWords: [String] = [],
    falseWords: [String] = []
  ) {
    self.name = name
    self.type = type
    self.origin = origin ?? .fields([name])
    self.required = required
    self.nulls = nulls
    self.format = format
    self.trim = trim
    self.defaultValue = defaultValue
    self.minimum = minimum
    self.maximum = maximum
    self.oneOf = oneOf
    self.pattern = pattern
    self.maxLength = maxLength
    self.onOverflow = onOverflow
    self.trueWords = trueWords
    self.falseWords = falseWords
  }
}

/// Where a column's value comes from.
public enum ColumnOrigin: Sendable, Hashable, Codable {
  /// Columns of the source, joined by a space when there are several; those without a value are left
  /// out.
  case fields([String])
  /// The same text in every row.
  case constant(String)
  /// Something about the row's own history.
  case lineage(Lineage)
  /// All columns of the source that no rule names, as one JSON object.
  case remainder
}

/// What a lineage column records.
public enum Lineage: String, Sendable, Hashable, Codable, CaseIterable {
  /// The source's name.
  case file
  /// The run's id.
  case run
  /// The row's number in the source, from 1.
  case row
  /// When the run began, in UTC: the same for every row and every attempt.
  case loadedAt = "loaded_at"
}

/// What happens to a number that its type cannot hold exactly.
public enum OverflowRule: String, Sendable, Hashable, Codable, CaseIterable {
  /// The row is rejected.
  case reject
  /// Surplus digits after the point are rounded, half away from zero; too large a number is still
  /// rejected.
  case round
}

/// A rule across columns: rows that break it are rejected. A comparison with a missing value holds.
public struct RowRule: Sendable, Hashable, Codable {
  /// The rule's name, as rejects carry it.
  public var name: String
  /// The target column on the left.
  public var left: String
  /// How the two are compared.
  public var comparison: Comparison
  /// The target column on the right, of the same type.
  public var right: String

  /// Makes a rule.
  public init(name: String, left: String, comparison: Comparison, right: String) {
    self.name = name
    self.left = left
    self.comparison = comparison
    self.right = right
  }

  /// How two values are compared.
  public enum Comparison: String, Sendable, Hashable, Codable, CaseIterable {
    /// Less.
    case less = "<"
    /// Less or equal.
    case lessOrEqual = "<="
    /// Equal.
    case equal = "=="
    /// Not equal.
    case notEqual = "!="
    /// Greater or equal.
    case greaterOrEqual = ">="
    /// Greater.
    case greater = ">"
  }
}
