/// How numbers are written: their decimal point, and what stands between groups of digits.
struct NumberFormat: Sendable, Hashable {
  /// The decimal point.
  var decimal: UInt8 = 0x2E
  /// The byte between groups of three digits, or nil when digits are not grouped.
  var thousands: UInt8?

  /// The target's notation: a point, no groups.
  static let canonical = NumberFormat()
}

/// A number taken apart: sign, digits without leading zeros, and where the point is.
struct DecimalDigits {
  var isNegative = false
  /// The digits, as values 0…9, the first of them not 0; empty for zero.
  var digits: [UInt8] = []
  /// How many of the digits, from the first, stand before the point; may be negative or more than
  /// there are.
  var point = 0
  /// How many digits the text has after the point, the exponent counted; negative when it moves the
  /// point beyond the last digit.
  var writtenScale = 0

  /// Takes apart any number the syntax allows: an optional sign (also a minus at the end), digits
  /// with a point, groups of exactly three digits if the format has them, an optional exponent.
  /// Nil when it is none.
  init?(_ bytes: UnsafeRawBufferPointer, format: NumberFormat) {
    var end = bytes.count
    var position = 0
    guard end > 0 else { return nil }
    if bytes[0] == 0x2D || bytes[0] == 0x2B {
      isNegative = bytes[0] == 0x2D
      position = 1
    } else if bytes[end - 1] == 0x2D {
      isNegative = true
      end -= 1
    }
    var digitCount = 0
    var sawPoint = false
    var sawGroup = false
    var groupDigits = 0
    scan: while position < end {
      let byte = bytes[position]
      if byte.digitValue < 10 {
        digitCount += 1
        groupDigits += 1
        if sawPoint { writtenScale += 1 }
        if !digits.isEmpty || byte != 0x30 {
          digits.append(byte.digitValue)
          if !sawPoint { point += 1 }
        } else if sawPoint {
          point -= 1
        }
      } else if byte == format.decimal, !sawPoint {
        if sawGroup, groupDigits != 3 { return nil }
        sawPoint = true
      } else if let thousands = format.thousands, byte == thousands, !sawPoint {
        guard sawGroup ? groupDigits == 3 : (1...3).contains(groupDigits) else { return nil }
        sawGroup = true
        groupDigits = 0
      } else {
        break scan
      }
      position += 1
    }
    if sawGroup, !sawPoint, groupDigits != 3 { return nil }
    guard digitCount > 0 else { return nil }
    guard position < end else { return }
    // An exponent. One of more than nine digits makes zero or an overflow; it is clamped.
    guard bytes[position].asciiLowercased == 0x65, end == bytes.count else { return nil }
    position += 1
    var exponentIsNegative = false
    if position < end, bytes[position] == 0x2D || bytes[position] == 0x2B {
      exponentIsNegative = bytes[position] == 0x2D
      position += 1
    }
    guard position < end else { return nil }
    var exponent = 0
    while position < end {
      let digit = bytes[position].digitValue
      guard digit < 10 else { return nil }
      exponent = min(exponent * 10 + Int(digit), 1_000_000_000)
      position += 1
    }
    point += exponentIsNegative ? -exponent : exponent
    writtenScale -= exponentIsNegative ? -exponent : exponent
  }

  /// The number times 10^`scale`, exact or rounded half away from zero.
  ///
  /// - Parameter precision: The most digits the result may have, at most 38.
  func scaled(
    by scale: Int, precision: Int, rounds: Bool, into result: inout Int128
  ) -> ValueDefect {
    guard !digits.isEmpty else {
      result = 0
      return .none
    }
    let kept = point + scale
    guard kept <= precision else { return .outOfRange }
    var value: Int128 = 0
    for position in 0..<max(kept, 0) {
      value = value * 10 + (position < digits.count ? Int128(digits[position]) : 0)
    }
    if kept < digits.count, let last = digits.lastIndex(where: { $0 != 0 }), last >= max(kept, 0) {
      guard rounds else { return .surplusDigits }
      if kept >= 0, digits[kept] >= 5 { value += 1 }
    }
    guard value < Powers.ofTen[precision] else { return .outOfRange }
    result = isNegative ? -value : value
    return .none
  }
}

/// Powers of ten that fit.
enum Powers {
  /// 10^0 … 10^38.
  static let ofTen: [Int128] = {
    var powers: [Int128] = [1]
    for _ in 0..<38 { powers.append((powers.last ?? 1) * 10) }
    return powers
  }()

  /// 10^0 … 10^18.
  static let ofTen64: [Int64] = ofTen.prefix(19).map { Int64($0) }

  /// 10^0 … 10^22, which binary64 holds exactly.
  static let exactDoubles: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
  ]
}
