import Parquet

/// Writes the text forms that values have in SQLite columns.
///
/// - dates: `2024-02-29`
/// - times: `23:59:59`, with six digits of a fraction unless it is zero: `23:59:59.000001`
/// - timestamps: date, a space, time; instants end in `+00:00`. This is the ISO 8601 form of SQLite's
///   own `datetime`, and sorts in time order.
/// - UUIDs: lower-case hexadecimal with hyphens
/// - decimal numbers: plain, with as many digits after the point as the type has
///
/// Years have at least four digits, years before 0 a minus sign, years from 10000 on a plus sign.
struct ValueText {
  private var bytes: [UInt8] = []
  private var slices: [ByteSlice] = []

  init(count: Int) {
    bytes.reserveCapacity(count * 24)
    slices.reserveCapacity(count)
  }

  /// The texts that were written, in order.
  var strings: ByteStrings { ByteStrings(storage: ByteStorage(copying: bytes), slices: slices) }

  /// Writes one text.
  @discardableResult
  mutating func append(_ write: (inout ValueText) -> Void) -> ByteSlice {
    let start = bytes.count
    write(&self)
    let slice = ByteSlice(offset: UInt32(start), length: UInt32(bytes.count - start))
    slices.append(slice)
    return slice
  }

  /// A day given as days since 1970-01-01.
  mutating func date(_ days: Int64) {
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    if year < 0 { bytes.append(UInt8(ascii: "-")) }
    if year > 9999 { bytes.append(UInt8(ascii: "+")) }
    padded(UInt64(year.magnitude), width: 4)
    bytes.append(UInt8(ascii: "-"))
    padded(UInt64(month), width: 2)
    bytes.append(UInt8(ascii: "-"))
    padded(UInt64(day), width: 2)
  }

  /// A time of day given as microseconds since midnight.
  mutating func time(_ microseconds: Int64) {
    let seconds = microseconds / 1_000_000
    padded(UInt64(seconds / 3600), width: 2)
    bytes.append(UInt8(ascii: ":"))
    padded(UInt64(seconds / 60 % 60), width: 2)
    bytes.append(UInt8(ascii: ":"))
    padded(UInt64(seconds % 60), width: 2)
    let fraction = microseconds % 1_000_000
    if fraction != 0 {
      bytes.append(UInt8(ascii: "."))
      padded(UInt64(fraction), width: 6)
    }
  }

  /// A date and time given as microseconds since 1970-01-01 00:00:00.
  mutating func timestamp(_ microseconds: Int64, isInstant: Bool) {
    let day: Int64 = 86_400_000_000
    let days = microseconds / day - (microseconds % day < 0 ? 1 : 0)
    date(days)
    bytes.append(UInt8(ascii: " "))
    time(microseconds - days * day)
    if isInstant { bytes.append(contentsOf: "+00:00".utf8) }
  }

  /// A UUID given as its 16 bytes.
  mutating func uuid(_ value: UInt128) {
    for digit in 0..<32 {
      if digit == 8 || digit == 12 || digit == 16 || digit == 20 {
        bytes.append(UInt8(ascii: "-"))
      }
      let nibble = UInt8(truncatingIfNeeded: value >> UInt128(124 - 4 * digit)) & 0xF
      bytes.append(nibble < 10 ? 0x30 + nibble : 0x57 + nibble)
    }
  }

  /// A decimal number given as its digits without the point.
  mutating func decimal(_ unscaled: Int128, scale: Int) {
    if unscaled < 0 { bytes.append(UInt8(ascii: "-")) }
    var digits: [UInt8] = []
    var rest = unscaled.magnitude
    while rest > 0 || digits.count <= scale {
      digits.append(0x30 + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    }
    for position in stride(from: digits.count - 1, through: 0, by: -1) {
      bytes.append(digits[position])
      if position == scale, scale > 0 { bytes.append(UInt8(ascii: ".")) }
    }
  }

  private mutating func padded(_ value: UInt64, width: Int) {
    var divisor: UInt64 = 1
    var digits = 1
    while digits < width || value / divisor >= 10 {
      divisor *= 10
      digits += 1
    }
    while divisor > 0 {
      bytes.append(0x30 + UInt8(value / divisor % 10))
      divisor /= 10
    }
  }
}
