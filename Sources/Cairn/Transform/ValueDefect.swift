/// What became of one distinct value when it was read as its column's type.
enum ValueDefect: UInt8, Sendable {
  /// It is a value.
  case none = 0
  /// It means "no value".
  case null = 1
  /// It is not written as the type, or the column's format, calls for.
  case notOfType
  /// It is too large for the type.
  case outOfRange
  /// It has more digits after the point than the type holds.
  case surplusDigits
  /// A local time where an instant is needed and no time zone is known.
  case withoutOffset
  /// An instant where a local time is needed.
  case withOffset
  /// Less than the column's minimum.
  case belowMinimum
  /// Greater than the column's maximum.
  case aboveMaximum
  /// Not one of the values the column allows.
  case notAllowed
  /// Does not match the column's pattern.
  case patternMismatch
  /// Longer than the column allows.
  case tooLong
  /// Missing, in a column that requires a value.
  case required

  /// Whether the value's row is to be rejected.
  var isError: Bool { rawValue > ValueDefect.null.rawValue }

  /// Whether the value is no value of the column's type at all.
  var contradictsType: Bool {
    switch self {
    case .notOfType, .outOfRange, .surplusDigits, .withoutOffset, .withOffset: true
    default: false
    }
  }

  /// The rule that was broken, by the name a job file gives it.
  var rule: String {
    switch self {
    case .none, .null, .notOfType, .withoutOffset, .withOffset: "type"
    case .outOfRange, .surplusDigits: "overflow"
    case .belowMinimum: "min"
    case .aboveMaximum: "max"
    case .notAllowed: "one_of"
    case .patternMismatch: "pattern"
    case .tooLong: "max_length"
    case .required: "required"
    }
  }
}
