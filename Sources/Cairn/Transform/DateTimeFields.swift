/// What a date or time text said, before it is put together.
struct DateTimeFields {
  var year = 1970
  var month = 1
  var day = 1
  /// The day's number in its year, when the text gave that instead of month and day.
  var dayOfYear: Int?
  var hour = 0
  var minute = 0
  var second = 0
  /// Microseconds of the second.
  var microsecond = 0
  /// Whether digits after the sixth of the fraction were not all 0.
  var hasFinerFraction = false
  /// The first of those digits is 5 or more.
  var roundsUp = false
  /// Seconds east of UTC, when the text said so.
  var offset: Int?

  /// Days from 1970-01-01; nil when there is no such date.
  @inline(__always)
  var days: Int32? {
    if let dayOfYear {
      guard dayOfYear >= 1, dayOfYear <= (CivilCalendar.isLeap(year) ? 366 : 365),
        let first = CivilCalendar.days(year: year, month: 1, day: 1)
      else { return nil }
      return first + Int32(dayOfYear) - 1
    }
    return CivilCalendar.days(year: year, month: month, day: day)
  }

  /// Microseconds since midnight; nil when there is no such time. There is no 24:00 and no leap
  /// second.
  @inline(__always)
  var microsecondsOfDay: Int64? {
    guard hour < 24, minute < 60, second < 60 else { return nil }
    return Int64(hour * 3600 + minute * 60 + second) * 1_000_000 + Int64(microsecond)
  }

  /// Takes the digits after the point of a second, one or more; false when there are others.
  @inline(__always)
  mutating func setFraction(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) -> Bool {
    guard end > start else { return false }
    var value = 0
    for position in start..<end {
      let digit = bytes[position].digitValue
      guard digit < 10 else { return false }
      if position - start < 6 {
        value = value * 10 + Int(digit)
      } else {
        if position - start == 6 { roundsUp = digit >= 5 }
        if digit != 0 { hasFinerFraction = true }
      }
    }
    for _ in 0..<max(0, 6 - (end - start)) { value *= 10 }
    microsecond = value
    return true
  }
}

/// Reads `count` decimal digits at `position`; nil when they are not all there.
@inline(__always)
func fixedDigits(_ bytes: UnsafeRawBufferPointer, at position: Int, count: Int) -> Int? {
  guard position + count <= bytes.count else { return nil }
  var value = 0
  for offset in 0..<count {
    let digit = bytes[position + offset].digitValue
    guard digit < 10 else { return nil }
    value = value * 10 + Int(digit)
  }
  return value
}

/// Reads an offset from UTC, all bytes of `bytes` from `position` on: `Z`, `±hh`, `±hhmm`, `±hh:mm`.
func offsetSeconds(_ bytes: UnsafeRawBufferPointer, at position: Int) -> (seconds: Int, end: Int)? {
  guard position < bytes.count else { return nil }
  switch bytes[position] {
  case 0x5A, 0x7A: return (0, position + 1)
  case 0x2B, 0x2D: break
  default: return nil
  }
  guard let hours = fixedDigits(bytes, at: position + 1, count: 2), hours < 24 else { return nil }
  var end = position + 3
  var minutes = 0
  if end < bytes.count, bytes[end] == 0x3A {
    guard let found = fixedDigits(bytes, at: end + 1, count: 2) else { return nil }
    minutes = found
    end += 3
  } else if let found = fixedDigits(bytes, at: end, count: 2) {
    minutes = found
    end += 2
  }
  guard minutes < 60 else { return nil }
  let seconds = hours * 3600 + minutes * 60
  return (bytes[position] == 0x2D ? -seconds : seconds, end)
}
