/// An exact decimal number: an integer of up to 38 digits and where its point is.
///
/// Equal numbers are equal whatever their scale: `1.50 == 1.5`.
public struct Decimal128: Sendable {
  /// The number times 10^`scale`.
  public var unscaled: Int128
  /// How many digits stand after the point, 0…38.
  public var scale: Int

  /// Makes a number from its digits and its scale.
  ///
  /// - Precondition: `scale` is 0…38.
  public init(unscaled: Int128, scale: Int) {
    precondition((0...38).contains(scale), "a decimal's scale is 0…38")
    self.unscaled = unscaled
    self.scale = scale
  }

  /// Makes a whole number.
  public init(_ value: some BinaryInteger & SignedInteger) {
    self.init(unscaled: Int128(value), scale: 0)
  }

  /// Reads a number written with a point, as `-12.50` or `1.5e-3`; its scale is the digits it has
  /// after the point. Nil when the text is no number or has more than 38 digits.
  public init?(_ text: some StringProtocol) {
    var text = String(text)
    let parsed: Decimal128? = text.withUTF8 { utf8 in
      guard
        let digits = DecimalDigits(UnsafeRawBufferPointer(utf8), format: .canonical),
        utf8.last != 0x2D
      else { return nil }
      let scale = max(0, digits.writtenScale)
      var unscaled: Int128 = 0
      guard scale <= 38,
        digits.scaled(by: scale, precision: 38, rounds: false, into: &unscaled) == .none
      else { return nil }
      return Decimal128(unscaled: unscaled, scale: scale)
    }
    guard let parsed else { return nil }
    self = parsed
  }

  /// The nearest binary64 number.
  public var doubleValue: Double {
    // The text is exact and its conversion is correctly rounded.
    Double(description) ?? 0
  }

  /// The number with another scale, or nil when that would lose digits or exceed 38.
  public func rescaled(to newScale: Int) -> Decimal128? {
    guard (0...38).contains(newScale) else { return nil }
    if newScale >= scale {
      let (product, overflow) = unscaled.multipliedReportingOverflow(
        by: Powers.ofTen[newScale - scale])
      guard !overflow, product.magnitude < UInt128(Powers.ofTen[38]) else { return nil }
      return Decimal128(unscaled: product, scale: newScale)
    }
    let (quotient, remainder) = unscaled.quotientAndRemainder(
      dividingBy: Powers.ofTen[scale - newScale])
    return remainder == 0 ? Decimal128(unscaled: quotient, scale: newScale) : nil
  }

  /// The number without zeros at the end of its fraction.
  public var normalized: Decimal128 {
    var number = self
    while number.scale > 0, number.unscaled % 10 == 0 {
      number.unscaled /= 10
      number.scale -= 1
    }
    return number
  }
}

extension Decimal128: Comparable, Hashable {
  /// Whether two numbers are the same, whatever their scale.
  public static func == (left: Decimal128, right: Decimal128) -> Bool {
    compare(left, right) == 0
  }

  /// Whether one number is less than another.
  public static func < (left: Decimal128, right: Decimal128) -> Bool {
    compare(left, right) < 0
  }

  /// Hashes the number, not its scale.
  public func hash(into hasher: inout Hasher) {
    let normalized = normalized
    hasher.combine(normalized.unscaled)
    hasher.combine(normalized.scale)
  }

  private static func compare(_ left: Decimal128, _ right: Decimal128) -> Int {
    if left.scale == right.scale {
      return left.unscaled < right.unscaled ? -1 : left.unscaled == right.unscaled ? 0 : 1
    }
    // Whole parts first: a common scale might not fit.
    let (leftWhole, leftRest) = left.unscaled.quotientAndRemainder(
      dividingBy: Powers.ofTen[left.scale])
    let (rightWhole, rightRest) = right.unscaled.quotientAndRemainder(
      dividingBy: Powers.ofTen[right.scale])
    if leftWhole != rightWhole { return leftWhole < rightWhole ? -1 : 1 }
    // The rests are below 10^scale, so at scale 38 they are below 10^38.
    let leftFraction = leftRest * Powers.ofTen[38 - left.scale]
    let rightFraction = rightRest * Powers.ofTen[38 - right.scale]
    return leftFraction < rightFraction ? -1 : leftFraction == rightFraction ? 0 : 1
  }
}

extension Decimal128: LosslessStringConvertible {
  /// The number with all digits of its scale: `-12.50`.
  public var description: String {
    let digits = String(unscaled.magnitude)
    let sign = unscaled < 0 ? "-" : ""
    guard scale > 0 else { return sign + digits }
    let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
    return sign + padded.dropLast(scale) + "." + padded.suffix(scale)
  }

  /// Reads a number from its description.
  public init?(_ description: String) { self.init(description[...]) }
}

extension Decimal128: Codable {
  /// Reads the textual form.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let number = Decimal128(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "'\(text)' is not a decimal number of at most 38 digits")
    }
    self = number
  }

  /// Writes the textual form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
