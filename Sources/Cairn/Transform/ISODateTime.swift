/// Dates and times as ISO 8601 writes them in its extended form.
///
/// `2025-01-29`; `14:30`, `14:30:22`, `14:30:22.123456`; both joined by `T` or a space; an offset
/// `Z`, `±hh`, `±hhmm` or `±hh:mm` behind the time, also after a space.
enum ISODateTime {
  /// What was found besides the fields.
  struct Parts {
    var hasDate = false
    var hasTime = false
  }

  /// Reads a date, a time, or both; nil when the bytes are none of these.
  @inline(__always)
  static func parse(_ bytes: UnsafeRawBufferPointer, into fields: inout DateTimeFields) -> Parts? {
    var parts = Parts()
    var position = 0
    if bytes.count >= 10, bytes[4] == 0x2D, bytes[7] == 0x2D {
      guard let year = fixedDigits(bytes, at: 0, count: 4),
        let month = fixedDigits(bytes, at: 5, count: 2),
        let day = fixedDigits(bytes, at: 8, count: 2)
      else { return nil }
      fields.year = year
      fields.month = month
      fields.day = day
      parts.hasDate = true
      if bytes.count == 10 { return parts }
      guard bytes[10] == 0x54 || bytes[10] == 0x20 || bytes[10] == 0x74 else { return nil }
      position = 11
    }
    guard let hour = fixedDigits(bytes, at: position, count: 2), position + 2 < bytes.count,
      bytes[position + 2] == 0x3A,
      let minute = fixedDigits(bytes, at: position + 3, count: 2)
    else { return nil }
    fields.hour = hour
    fields.minute = minute
    parts.hasTime = true
    position += 5
    if position < bytes.count, bytes[position] == 0x3A {
      guard let second = fixedDigits(bytes, at: position + 1, count: 2) else { return nil }
      fields.second = second
      position += 3
      if position < bytes.count, bytes[position] == 0x2E || bytes[position] == 0x2C {
        let start = position + 1
        position = start
        while position < bytes.count, bytes[position].digitValue < 10 { position += 1 }
        guard fields.setFraction(bytes, from: start, to: position) else { return nil }
      }
    }
    if position < bytes.count {
      let start = bytes[position] == 0x20 ? position + 1 : position
      guard let offset = offsetSeconds(bytes, at: start), offset.end == bytes.count else {
        return nil
      }
      fields.offset = offset.seconds
    }
    return parts
  }
}
