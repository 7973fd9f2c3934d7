import Cairn
import Parquet

/// A column in PostgreSQL's binary form: each distinct value is encoded once, with its length before
/// it, as COPY and arrays have it.
struct EncodedColumn: Sendable {
  /// The column's name.
  var name: String
  /// The values' bytes, each after its length in 4 bytes; last of all a NULL.
  var bytes: [UInt8]
  /// For each value where it begins in `bytes`; then where the NULL begins, and where it ends.
  var starts: [UInt32]
  /// For each row the position of its value, or ``Column/null``; nil when row `i` holds value `i`.
  var indices: [UInt32]?
  /// Values that the column does not hold, and why.
  var unfit: [UInt32: String]

  /// How many distinct values there are.
  var valueCount: Int { starts.count - 2 }

  /// The position of a row's value, or ``Column/null``.
  @inline(__always)
  func valueIndex(ofRow row: Int) -> UInt32 { indices?[row] ?? UInt32(row) }

  /// Encodes a column.
  ///
  /// - Parameters:
  ///   - column: The column of the job; its values are of a type that has the form.
  ///   - form: How its values become those of the table's column.
  ///   - converted: For the form ``WireForm/converted`` what the server made of the values.
  init(_ column: Column, as form: WireForm, converted: ConvertedValues? = nil) {
    var values = ValueWriter(count: column.values.count)
    if let converted {
      converted.write(to: &values)
    } else {
      Self.encode(column, as: form, to: &values)
    }
    values.finish()
    name = column.name
    bytes = values.bytes
    starts = values.starts
    unfit = values.unfit
    indices = column.indices
  }

  private static func encode(_ column: Column, as form: WireForm, to values: inout ValueWriter) {
    switch (column.values, form) {
    case (.text(let strings), .text(let limit)):
      for index in 0..<strings.count {
        values.text(strings.unsafeBytes(at: index), limit: limit)
      }
      withExtendedLifetime(strings) {}
    case (.text(let strings), .paddedText(let limit)):
      for index in 0..<strings.count {
        values.text(strings.unsafeBytes(at: index).withoutTrailingBlanks, limit: limit)
      }
      withExtendedLifetime(strings) {}
    case (.text(let strings), .label):
      for index in 0..<strings.count {
        values.text(strings.unsafeBytes(at: index), limit: nil)
      }
      withExtendedLifetime(strings) {}
    case (.text(let strings), .jsonb):
      for index in 0..<strings.count {
        values.text(strings.unsafeBytes(at: index), limit: nil, version: 1)
      }
      withExtendedLifetime(strings) {}
    case (.boolean(let flags), _):
      for flag in flags { values.fixed(flag ? UInt8(1) : 0) }
    case (.integer(let numbers), _):
      for number in numbers { values.number(Int128(number), scale: 0, as: form) }
    case (.bigint(let numbers), _):
      for number in numbers { values.number(Int128(number), scale: 0, as: form) }
    case (.numeric(let numbers), _):
      guard case .numeric(_, let scale) = column.type else {
        preconditionFailure("numeric values in a column of type \(column.type)")
      }
      for number in numbers { values.number(number, scale: scale, as: form) }
    case (.double(let numbers), .float(4)):
      for number in numbers { values.single(number) }
    case (.double(let numbers), _):
      for number in numbers { values.fixed(number.bitPattern) }
    case (.date(let days), .date):
      for day in days { values.date(day) }
    case (.date(let days), _):
      for day in days {
        values.timestamp(Int64(day).multipliedReportingOverflow(by: 86_400_000_000), step: 1)
      }
    case (.time(let times), .time(let step)):
      for time in times { values.time(time, step: step) }
    case (.timestamp(let times), .timestamp(let step)):
      for time in times { values.timestamp((time, false), step: step) }
    case (.uuid(let numbers), .uuid):
      for number in numbers { values.fixed(number) }
    case (.uuid, _):
      for index in 0..<column.values.count {
        var text = column.values.text(at: index, type: column.type)
        text.withUTF8 { values.text(UnsafeRawBufferPointer($0), limit: form.limit) }
      }
    default:
      preconditionFailure("\(column.type) has no form \(form)")
    }
  }
}

extension WireForm {
  fileprivate var limit: Int? {
    switch self {
    case .text(let limit), .paddedText(let limit): limit
    default: nil
    }
  }
}

extension UnsafeRawBufferPointer {
  /// The text without the blanks at its end.
  fileprivate var withoutTrailingBlanks: UnsafeRawBufferPointer {
    var end = count
    while end > 0, self[end - 1] == 0x20 { end -= 1 }
    return UnsafeRawBufferPointer(rebasing: self[..<end])
  }
}

/// Writes encoded values one after the other.
struct ValueWriter {
  private(set) var bytes: [UInt8] = []
  private(set) var starts: [UInt32] = []
  private(set) var unfit: [UInt32: String] = [:]

  init(count: Int) {
    starts.reserveCapacity(count + 2)
    bytes.reserveCapacity(count * 16)
  }

  /// Writes the NULL that ends a column.
  mutating func finish() {
    null()
    starts.append(UInt32(bytes.count))
  }

  /// A value without bytes of its own.
  mutating func null() {
    starts.append(UInt32(bytes.count))
    append(Int32(-1))
  }

  /// A value that the column does not hold; its rows are rejected.
  mutating func refuse(_ reason: String) {
    unfit[UInt32(starts.count)] = reason
    null()
  }

  /// Bytes as they are.
  mutating func raw(_ value: UnsafeRawBufferPointer) {
    starts.append(UInt32(bytes.count))
    append(Int32(value.count))
    bytes.append(contentsOf: value)
  }

  /// A number in as many bytes as its type has.
  @inline(__always)
  mutating func fixed<Number: FixedWidthInteger>(_ number: Number) {
    starts.append(UInt32(bytes.count))
    append(Int32(MemoryLayout<Number>.size))
    append(number)
  }

  /// Text of at most `limit` characters; blanks beyond it fall away, as SQL has it.
  mutating func text(_ text: UnsafeRawBufferPointer, limit: Int?, version: UInt8? = nil) {
    if text.contains(0) {
      refuse("the text has a zero byte, which PostgreSQL does not store")
      return
    }
    var text = text
    if let limit, text.count > limit {
      var characters = 0
      var end = text.count
      for (position, byte) in text.enumerated() where byte & 0xC0 != 0x80 {
        characters += 1
        if characters > limit {
          end = position
          break
        }
      }
      guard text[end...].allSatisfy({ $0 == 0x20 }) else {
        refuse("the text is longer than the \(limit) characters that the column holds")
        return
      }
      text = UnsafeRawBufferPointer(rebasing: text[..<end])
    }
    starts.append(UInt32(bytes.count))
    append(Int32(text.count + (version == nil ? 0 : 1)))
    if let version { bytes.append(version) }
    bytes.append(contentsOf: text)
  }

  /// A float of 4 bytes: the nearest to the number.
  mutating func single(_ number: Double) {
    let single = Float(number)
    guard single.isFinite || !number.isFinite else {
      refuse("the number is beyond what a real holds")
      return
    }
    fixed(single.bitPattern)
  }

  /// A day given as days since 1970-01-01.
  mutating func date(_ days: Int32) {
    // The outermost values mean infinity.
    let (shifted, overflow) = days.subtractingReportingOverflow(10_957)
    guard !overflow, shifted != .max, shifted != .min else {
      refuse("the day is beyond what a date holds")
      return
    }
    fixed(shifted)
  }

  /// A time of day given as microseconds since midnight.
  mutating func time(_ microseconds: Int64, step: Int64) {
    guard step == 1 || microseconds % step == 0 else {
      refuse("the time has more digits of a second than the column keeps")
      return
    }
    fixed(microseconds)
  }

  /// A moment given as microseconds since 1970-01-01.
  mutating func timestamp(_ time: (partialValue: Int64, overflow: Bool), step: Int64) {
    let (shifted, overflow) = time.partialValue
      .subtractingReportingOverflow(946_684_800_000_000)
    guard !overflow, !time.overflow, shifted != .max, shifted != .min else {
      refuse("the moment is beyond what a timestamp holds")
      return
    }
    guard step == 1 || shifted % step == 0 else {
      refuse("the time has more digits of a second than the column keeps")
      return
    }
    fixed(shifted)
  }

  /// A decimal number, given as its digits without the point, in a column of numbers.
  mutating func number(_ unscaled: Int128, scale: Int, as form: WireForm) {
    switch form {
    case .integer(2):
      guard let number = Int16(exactly: unscaled) else { return refuseRange("smallint") }
      fixed(number)
    case .integer(4):
      guard let number = Int32(exactly: unscaled) else { return refuseRange("integer") }
      fixed(number)
    case .integer:
      guard let number = Int64(exactly: unscaled) else { return refuseRange("bigint") }
      fixed(number)
    case .float:
      // At most 15 digits: both operands are exact, so the quotient is the nearest double.
      fixed((Double(unscaled) / DecimalPowers.double(scale)).bitPattern)
    case .numeric(let limits):
      if let limits {
        // Odd limits, like numeric(2,5), are left to the server.
        let digits = limits.precision - limits.scale
        if (0...38).contains(digits),
          unscaled.magnitude / DecimalPowers.ofTen[scale] >= DecimalPowers.ofTen[digits]
        {
          refuse(
            "the number has more than the \(digits) digits before the point that the column holds")
          return
        }
      }
      numeric(unscaled, scale: scale, shown: limits?.scale ?? scale)
    default:
      preconditionFailure("a number has no form \(form)")
    }
  }

  private mutating func refuseRange(_ type: String) {
    refuse("the number is beyond what a column of type \(type) holds")
  }

  /// `numeric`: digits to the base 10,000 from the point outwards, without zeros at either end
  /// (`numeric_send` in PostgreSQL's sources).
  ///
  /// - Parameter shown: How many digits after the point the server is to show.
  private mutating func numeric(_ unscaled: Int128, scale: Int, shown: Int) {
    // Digits after the point fill up whole groups of four.
    let groupsAfter = (scale + 3) / 4
    let padding = UInt64(DecimalPowers.ofTen[groupsAfter * 4 - scale])
    var groups: [UInt16] = []
    var rest = unscaled.magnitude
    // The lowest group first.
    if groupsAfter > 0, padding > 1 {
      let low = UInt128(10_000 / padding)
      let (quotient, digits) = rest.quotientAndRemainder(dividingBy: low)
      groups.append(UInt16(UInt64(digits) * padding))
      rest = quotient
    }
    while rest > UInt128(UInt64.max) {
      let (quotient, digits) = rest.quotientAndRemainder(dividingBy: 10_000)
      groups.append(UInt16(digits))
      rest = quotient
    }
    var small = UInt64(rest)
    while small > 0 {
      groups.append(UInt16(small % 10_000))
      small /= 10_000
    }
    while groups.last == 0 { groups.removeLast() }
    let zeros = groups.prefix { $0 == 0 }.count
    let kept = groups.count - zeros
    let weight = kept == 0 ? 0 : groups.count - groupsAfter - 1
    starts.append(UInt32(bytes.count))
    append(Int32(8 + 2 * kept))
    append(Int16(kept))
    append(Int16(weight))
    append(unscaled < 0 ? UInt16(0x4000) : 0)
    append(UInt16(shown))
    for digit in groups[zeros...].reversed() { append(digit) }
  }

  @inline(__always)
  private mutating func append(_ number: some FixedWidthInteger) {
    withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
  }
}

/// Powers of ten.
enum DecimalPowers {
  static let ofTen: [UInt128] = {
    var powers: [UInt128] = [1]
    for _ in 0..<38 { powers.append(powers[powers.count - 1] * 10) }
    return powers
  }()

  /// As a double; exact up to 10^22.
  static func double(_ exponent: Int) -> Double { Double(ofTen[exponent]) }
}
