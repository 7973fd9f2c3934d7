// Numbers are read from their bytes. Short, plain ones take the first path of each parser; whatever
// is unusual goes through `DecimalDigits`, which decides what is a number and what is not.

/// Digits and a point, 1 to 18 digits in all, with a sign before or a minus behind.
private struct PlainNumber {
  var isNegative = false
  var magnitude: UInt64 = 0
  /// Digits after the point.
  var scale = 0
  /// Digits in all, leading zeros too.
  var digits = 0

  /// Nil when the number is not plain: it may still be a number.
  @inline(__always)
  init?(_ bytes: UnsafeRawBufferPointer, decimal: UInt8) {
    var end = bytes.count
    var position = 0
    guard end > 0, end <= 20 else { return nil }
    if bytes[0] == 0x2D || bytes[0] == 0x2B {
      isNegative = bytes[0] == 0x2D
      position = 1
    } else if bytes[end - 1] == 0x2D {
      isNegative = true
      end -= 1
    }
    var afterPoint = -1
    while position < end {
      let byte = bytes[position]
      let digit = byte.digitValue
      if digit < 10 {
        magnitude = magnitude &* 10 &+ UInt64(digit)
        digits &+= 1
      } else if byte == decimal, afterPoint < 0 {
        afterPoint = digits
      } else {
        return nil
      }
      position &+= 1
    }
    guard digits > 0, digits <= 18 else { return nil }
    if afterPoint >= 0 { scale = digits - afterPoint }
  }
}

/// Reads `integer` and `bigint`.
struct IntegerParser: Sendable {
  var format: NumberFormat
  /// Whether digits after the point are rounded away instead of being an error.
  var rounds: Bool

  @inline(__always)
  func parse<Value: FixedWidthInteger>(
    _ bytes: UnsafeRawBufferPointer, into value: inout Value
  ) -> ValueDefect {
    if let plain = PlainNumber(bytes, decimal: format.decimal), plain.scale == 0 {
      let number = plain.isNegative ? -Int64(plain.magnitude) : Int64(plain.magnitude)
      guard let fitting = Value(exactly: number) else { return .outOfRange }
      value = fitting
      return .none
    }
    var number: Int128 = 0
    let defect = parseUnusual(bytes, into: &number)
    guard defect == .none else { return defect }
    guard let fitting = Value(exactly: number) else { return .outOfRange }
    value = fitting
    return .none
  }

  @inline(never)
  private func parseUnusual(
    _ bytes: UnsafeRawBufferPointer, into number: inout Int128
  ) -> ValueDefect {
    guard let digits = DecimalDigits(bytes, format: format) else { return .notOfType }
    return digits.scaled(by: 0, precision: 38, rounds: rounds, into: &number)
  }
}

/// Reads `numeric(p,s)` as the number times 10^s.
struct NumericParser: Sendable {
  var format: NumberFormat
  var precision: Int
  var scale: Int
  /// Whether surplus digits after the point are rounded, half away from zero.
  var rounds: Bool

  @inline(__always)
  func parse(_ bytes: UnsafeRawBufferPointer, into value: inout Int128) -> ValueDefect {
    if let plain = PlainNumber(bytes, decimal: format.decimal), scale - plain.scale <= 20 {
      // Up to 18 digits in all, as nearly always, 64 bits do.
      if plain.scale <= scale, scale - plain.scale + plain.digits <= 18, precision >= 18 {
        let magnitude = Int64(plain.magnitude) &* Powers.ofTen64[scale - plain.scale]
        value = Int128(plain.isNegative ? -magnitude : magnitude)
        return .none
      }
      var magnitude = Int128(plain.magnitude)
      if plain.scale <= scale {
        // At most 18 + 20 digits.
        magnitude *= Powers.ofTen[scale - plain.scale]
      } else {
        let divisor = Powers.ofTen[plain.scale - scale]
        let (quotient, remainder) = magnitude.quotientAndRemainder(dividingBy: divisor)
        magnitude = quotient
        if remainder != 0 {
          guard rounds else {
            return quotient < Powers.ofTen[precision] ? .surplusDigits : .outOfRange
          }
          if remainder * 2 >= divisor { magnitude += 1 }
        }
      }
      guard magnitude < Powers.ofTen[precision] else { return .outOfRange }
      value = plain.isNegative ? -magnitude : magnitude
      return .none
    }
    return parseUnusual(bytes, into: &value)
  }

  @inline(never)
  private func parseUnusual(
    _ bytes: UnsafeRawBufferPointer, into value: inout Int128
  ) -> ValueDefect {
    guard let digits = DecimalDigits(bytes, format: format) else { return .notOfType }
    return digits.scaled(by: scale, precision: precision, rounds: rounds, into: &value)
  }
}

/// Reads `double`: the binary64 number nearest to the decimal one, ties to even.
///
/// Infinities and NaN are not values. A number too large for binary64 is out of range, one too
/// small becomes 0.
struct DoubleParser: Sendable {
  var format: NumberFormat

  @inline(__always)
  func parse(_ bytes: UnsafeRawBufferPointer, into value: inout Double) -> ValueDefect {
    // Clinger's fast path: both numbers are exact in binary64, so that one division rounds once.
    if let plain = PlainNumber(bytes, decimal: format.decimal), plain.magnitude <= 1 << 53 {
      let magnitude = Double(plain.magnitude) / Powers.exactDoubles[plain.scale]
      value = plain.isNegative ? -magnitude : magnitude
      return .none
    }
    return parseUnusual(bytes, into: &value)
  }

  @inline(never)
  private func parseUnusual(
    _ bytes: UnsafeRawBufferPointer, into value: inout Double
  ) -> ValueDefect {
    guard let number = DecimalDigits(bytes, format: format) else { return .notOfType }
    guard !number.digits.isEmpty else {
      value = number.isNegative ? -0.0 : 0
      return .none
    }
    var text = number.isNegative ? "-0." : "0."
    text.unicodeScalars.reserveCapacity(number.digits.count + 16)
    for digit in number.digits { text.unicodeScalars.append(Unicode.Scalar(digit + 0x30)) }
    text += "e\(number.point)"
    // The standard library's conversion is correctly rounded and knows no locale.
    guard let parsed = Double(text) else {
      return number.point < 0 ? underflow(&value) : .outOfRange
    }
    guard parsed.isFinite else { return .outOfRange }
    value = parsed
    return .none
  }

  private func underflow(_ value: inout Double) -> ValueDefect {
    value = 0
    return .none
  }
}
