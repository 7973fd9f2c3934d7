/// The number behind a decimal: the value is it times 10^-scale. Up to 38 digits, which 128 bits hold.
enum UnscaledNumber {
  /// 10^`exponent`, or nil beyond 38.
  static func powerOfTen(_ exponent: Int) -> Int128? {
    guard (0...38).contains(exponent) else { return nil }
    var power: Int128 = 1
    for _ in 0..<exponent { power *= 10 }
    return power
  }

  /// `value` times 10^-`scale` as a number times 10^-`newScale`, or nil if that is not exact or has
  /// more than 128 bits.
  static func rescaled(_ value: Int128, from scale: Int, to newScale: Int) -> Int128? {
    if value == 0 || scale == newScale { return value }
    guard let factor = powerOfTen(abs(newScale - scale)) else { return nil }
    if newScale > scale {
      let (product, overflow) = value.multipliedReportingOverflow(by: factor)
      return overflow ? nil : product
    }
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: factor)
    return remainder == 0 ? quotient : nil
  }

  /// The number in big-endian two's complement, or nil if it has more than 128 bits.
  static func number(bigEndian bytes: UnsafeRawBufferPointer) -> Int128? {
    guard let first = bytes.first else { return nil }
    let sign: UInt8 = first >= 0x80 ? 0xFF : 0
    var rest = bytes[...]
    while rest.count > 16, rest.first == sign { rest = rest.dropFirst() }
    guard rest.count <= 16 else { return nil }
    var value: Int128 = sign == 0 ? 0 : -1
    for byte in rest { value = value << 8 | Int128(byte) }
    return rest.count == 16 && (value < 0) != (sign != 0) ? nil : value
  }

  /// Appends `value` in big-endian two's complement of `count` bytes, which must be enough.
  static func append(_ value: Int128, count: Int, to bytes: inout [UInt8]) {
    for index in (0..<count).reversed() {
      bytes.append(UInt8(truncatingIfNeeded: value >> Int128(min(index * 8, 127))))
    }
  }

  /// How many bytes of two's complement `value` needs.
  static func byteCount(of value: Int128) -> Int {
    let bits = 128 - (value < 0 ? ~value : value).leadingZeroBitCount
    return bits / 8 + 1
  }

  /// The bytes of two's complement that hold every number of `precision` digits, of at most 38.
  static func byteCount(ofDigits precision: Int) -> Int {
    byteCount(of: (powerOfTen(precision) ?? 0) - 1)
  }

  /// As people write it; with an exponent where it would take many zeros, since a file may state any
  /// scale.
  static func text(_ value: Int128, scale: Int) -> String {
    guard scale > 0 else { return "\(value)" }
    let digits = String(value.magnitude)
    guard scale <= digits.count + mostZeros else { return "\(value)e-\(scale)" }
    let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
    return (value < 0 ? "-" : "") + padded.dropLast(scale) + "." + padded.suffix(scale)
  }

  /// Zeros before the first digit that ``text(_:scale:)`` writes.
  private static let mostZeros = 38

  /// The number and scale that a decimal number in digits, with or without a point and an exponent,
  /// stands for; nil if it is none or has more than 128 bits.
  static func parse(_ text: String) -> (value: Int128, scale: Int)? {
    var value: Int128 = 0
    var scale = 0
    var sawPoint = false
    var sawDigit = false
    var isNegative = false
    var characters = text.utf8[...]
    if characters.first == UInt8(ascii: "-") {
      isNegative = true
      characters.removeFirst()
    }
    while let byte = characters.popFirst() {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        let (product, isLarge) = value.multipliedReportingOverflow(by: 10)
        let (sum, isLarger) = product.addingReportingOverflow(Int128(byte - UInt8(ascii: "0")))
        if isLarge || isLarger { return nil }
        value = sum
        sawDigit = true
        if sawPoint { scale += 1 }
      case UInt8(ascii: ".") where !sawPoint: sawPoint = true
      case UInt8(ascii: "e"), UInt8(ascii: "E"):
        guard let exponent = Int(Substring(characters)) else { return nil }
        let (difference, overflow) = scale.subtractingReportingOverflow(exponent)
        if overflow { return nil }
        scale = difference
        characters = characters.suffix(0)
      default: return nil
      }
    }
    return sawDigit ? (isNegative ? -value : value, scale) : nil
  }
}
