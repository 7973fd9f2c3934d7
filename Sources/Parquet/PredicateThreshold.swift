/// Where a literal lies among the whole numbers that a column stores.
enum PredicateThreshold {
  case at(Int128)
  /// Between this number and the next.
  case after(Int128)
  case belowAll
  case aboveAll
  /// Nowhere: a NaN.
  case unordered

  /// The place of `unscaled` times 10^-`scale` in a column that stores values times 10^`columnScale`.
  init(unscaled: Int128, scale: Int, columnScale: Int) {
    if unscaled == 0 {
      self = .at(0)
      return
    }
    // 10^38 is the largest power of ten that fits.
    let (shift, isFar) = columnScale.subtractingReportingOverflow(scale)
    if isFar || shift > 38 {
      self = unscaled < 0 ? .belowAll : .aboveAll
    } else if shift >= 0 {
      let (product, overflow) = unscaled.multipliedReportingOverflow(by: Self.powerOfTen(shift))
      self = overflow ? unscaled < 0 ? .belowAll : .aboveAll : .at(product)
    } else if shift < -38 {
      self = .after(unscaled < 0 ? -1 : 0)
    } else {
      self.init(unscaled, dividedBy: Self.powerOfTen(-shift))
    }
  }

  /// The place of a fraction; `divisor` is positive.
  init(_ number: Int128, dividedBy divisor: Int128) {
    let (quotient, rest) = number.quotientAndRemainder(dividingBy: divisor)
    self = rest == 0 ? .at(quotient) : .after(rest < 0 ? quotient - 1 : quotient)
  }

  /// The place of a number, by its shortest decimal digits.
  init(_ number: Double, columnScale: Int) {
    guard number.isFinite else {
      self = number.isNaN ? .unordered : number < 0 ? .belowAll : .aboveAll
      return
    }
    // For example -1.5e-07: at most 17 digits.
    var digits: Int128 = 0
    var scale = 0
    var exponent = 0
    var isFraction = false
    let text = number.magnitude.description
    for (index, byte) in text.utf8.enumerated() {
      if byte == UInt8(ascii: "e") {
        exponent = Int(text.dropFirst(index + 1)) ?? 0
        break
      }
      if byte == UInt8(ascii: ".") {
        isFraction = true
        continue
      }
      digits = digits * 10 + Int128(byte - UInt8(ascii: "0"))
      if isFraction { scale += 1 }
    }
    self.init(
      unscaled: number < 0 ? -digits : digits, scale: scale - exponent, columnScale: columnScale)
  }

  private static func powerOfTen(_ exponent: Int) -> Int128 {
    var power: Int128 = 1
    for _ in 0..<exponent { power *= 10 }
    return power
  }

  /// The whole numbers that compare so with the literal.
  func values(_ comparison: RowPredicate.Comparison) -> ValueSet<Int128> {
    let isUpper = comparison == .less || comparison == .lessOrEqual
    let isLower = comparison == .greater || comparison == .greaterOrEqual
    switch self {
    case .at(let number): return ValueSet(comparison, number)
    case .after(let number):
      if isUpper { return ValueSet(.lessOrEqual, number) }
      if isLower { return ValueSet(.greater, number) }
      return comparison == .notEqual ? .everything : .nothing
    case .belowAll: return isLower || comparison == .notEqual ? .everything : .nothing
    case .aboveAll: return isUpper || comparison == .notEqual ? .everything : .nothing
    case .unordered: return comparison == .notEqual ? .everything : .nothing
    }
  }
}
