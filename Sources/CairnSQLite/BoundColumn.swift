import Cairn
import Parquet

/// A column in the form in which its values are bound to statements: text as UTF-8, numbers as
/// numbers, everything else written out once per distinct value.
struct BoundColumn: Sendable {
  /// The distinct values.
  enum Values: Sendable {
    case texts(ByteStrings)
    case integers([Int64])
    case reals([Double])
    case scalars([Scalar], ByteStrings)
  }

  /// A value of a column that holds several storage classes.
  enum Scalar: Sendable {
    case integer(Int64)
    case real(Double)
    case text(ByteSlice)
  }

  /// The column's name.
  var name: String
  var values: Values
  /// For each row the position of its value, or ``Column/null``; nil when row `i` holds value `i`.
  var indices: [UInt32]?
  /// Values that the target's column would not give back as they are, and why.
  var unfit: [UInt32: String] = [:]

  /// Prepares a column for a target's column of an affinity.
  init(_ column: Column, affinity: Affinity) {
    name = column.name
    indices = column.indices
    switch column.values {
    case .text(let strings):
      values = .texts(strings)
    case .boolean(let flags):
      values = .integers(flags.map { $0 ? 1 : 0 })
    case .integer(let numbers):
      values = .integers(numbers.map(Int64.init))
    case .bigint(let numbers):
      values = .integers(numbers)
    case .double(let numbers):
      values = .reals(numbers)
      for (index, number) in numbers.enumerated() where number.isNaN {
        unfit[UInt32(index)] = "SQLite has no NaN"
      }
    case .numeric(let numbers):
      guard case .numeric(_, let scale) = column.type else {
        preconditionFailure("numeric values in a column of type \(column.type)")
      }
      (values, unfit) = Self.decimals(numbers, scale: scale, affinity: affinity)
    case .date(let days):
      values = Self.written(days) { $0.date(Int64($1)) }
    case .time(let times):
      values = Self.written(times) { $0.time($1) }
    case .timestamp(let times):
      let isInstant = column.type == .timestamptz
      values = Self.written(times) { $0.timestamp($1, isInstant: isInstant) }
    case .uuid(let numbers):
      values = Self.written(numbers) { $0.uuid($1) }
    }
  }

  /// How many distinct values there are.
  var valueCount: Int {
    switch values {
    case .texts(let strings): strings.count
    case .integers(let numbers): numbers.count
    case .reals(let numbers): numbers.count
    case .scalars(let scalars, _): scalars.count
    }
  }

  private static func written<Value>(
    _ values: [Value], _ write: (inout ValueText, Value) -> Void
  ) -> Values {
    var text = ValueText(count: values.count)
    for value in values {
      text.append { write(&$0, value) }
    }
    return .texts(text.strings)
  }

  /// Decimal numbers: whole ones that fit as INTEGER; others of at most 15 significant digits, which
  /// a double gives back exactly, as REAL; longer ones as TEXT. In a TEXT column all are TEXT.
  private static func decimals(
    _ numbers: [Int128], scale: Int, affinity: Affinity
  ) -> (Values, unfit: [UInt32: String]) {
    if affinity == .text {
      return (written(numbers) { $0.decimal($1, scale: scale) }, [:])
    }
    var power: Int128 = 1
    for _ in 0..<scale { power *= 10 }
    let smallPower = Int64(exactly: power)
    var scalars: [Scalar] = []
    scalars.reserveCapacity(numbers.count)
    var unfit: [UInt32: String] = [:]
    var text = ValueText(count: 0)
    for number in numbers {
      // Dividing 128 bits is slow, and few numbers need them.
      let scalar =
        if let small = Int64(exactly: number), let smallPower {
          exact(small, scale: scale, power: smallPower, affinity)
        } else {
          exact(number, scale: scale, power: power, affinity)
        }
      if let scalar {
        scalars.append(scalar)
        continue
      }
      if affinity != .blob {
        unfit[UInt32(scalars.count)] =
          "the number has more than the 15 digits that a \(affinity.rawValue) column keeps; a "
          + "column without a type, or of type TEXT, keeps all"
      }
      scalars.append(.text(text.append { $0.decimal(number, scale: scale) }))
    }
    return (.scalars(scalars, text.strings), unfit)
  }

  /// A decimal number as INTEGER or REAL; nil when neither keeps it.
  ///
  /// - Parameter power: 10 to the power of the scale.
  private static func exact<Number: FixedWidthInteger & SignedInteger>(
    _ number: Number, scale: Int, power: Number, _ affinity: Affinity
  ) -> Scalar? {
    let (whole, fraction) = number.quotientAndRemainder(dividingBy: power)
    if fraction == 0, let integer = Int64(exactly: whole),
      affinity != .real || integer.magnitude <= 1 << 53
    {
      return .integer(integer)
    }
    // Without its trailing zeros the number may be short enough.
    var digits = number
    var places = scale
    while places > 0, digits % 10 == 0 {
      digits /= 10
      places -= 1
    }
    guard digits.magnitude < 1_000_000_000_000_000, places < exactPowers.count else { return nil }
    // Both operands are exact, so the quotient is the double nearest to the number.
    return .real(Double(Int64(truncatingIfNeeded: digits)) / exactPowers[places])
  }

  /// The powers of ten that a double holds exactly.
  private static let exactPowers: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
    1e18, 1e19, 1e20, 1e21, 1e22,
  ]
}
