/// Times of events as text: `2025-10-07T20:43:53.622629Z`, always UTC, always microseconds, so that
/// texts sort as times do.
enum EventTime {
  static let dayNanoseconds: Int64 = 86_400 * 1_000_000_000
  /// Times that are sensible of an event, a limit or a wait, and can be added to and subtracted without
  /// overflow: 1970 to 2199, in nanoseconds.
  static let sensible: ClosedRange<Int64> = 0...7_258_118_399_000_000_000

  /// The nearest sensible time.
  static func clamped(_ time: Int64) -> Int64 {
    min(max(time, sensible.lowerBound), sensible.upperBound)
  }

  /// How many bytes the text has.
  static let width = 27

  /// The day that a time is in, counted from 1970-01-01.
  static func day(ofNanoseconds time: Int64) -> Int32 {
    let (quotient, remainder) = time.quotientAndRemainder(dividingBy: dayNanoseconds)
    return Int32(clamping: remainder < 0 ? quotient - 1 : quotient)
  }

  /// `2025-10-07`.
  static func dayText(_ day: Int32) -> String { LocalDate(days: day).description }

  static func text(ofNanoseconds time: Int64) -> String {
    var writer = Writer()
    return String(decoding: writer.bytes(ofNanoseconds: time), as: UTF8.self)
  }

  /// Writes times; knows the last day's digits, since most times are of today.
  struct Writer {
    private var day: Int32?
    private var text = [UInt8]("0000-00-00T00:00:00.000000Z".utf8)

    mutating func bytes(ofNanoseconds time: Int64) -> [UInt8] {
      let day = EventTime.day(ofNanoseconds: time)
      if day != self.day {
        self.day = day
        let digits = [UInt8](EventTime.dayText(day).utf8)
        if digits.count == 10 { text.replaceSubrange(0..<10, with: digits) }
      }
      var rest = time - Int64(day) * dayNanoseconds
      put(Int(rest / 3_600_000_000_000), at: 11, width: 2)
      rest %= 3_600_000_000_000
      put(Int(rest / 60_000_000_000), at: 14, width: 2)
      rest %= 60_000_000_000
      put(Int(rest / 1_000_000_000), at: 17, width: 2)
      put(Int(rest % 1_000_000_000 / 1000), at: 20, width: 6)
      return text
    }

    private mutating func put(_ number: Int, at position: Int, width: Int) {
      var number = number
      for index in stride(from: position + width - 1, through: position, by: -1) {
        text[index] = UInt8(ascii: "0") + UInt8(number % 10)
        number /= 10
      }
    }
  }

  /// Reads a time as the log has it: with up to nine digits of the second, and `Z`, an offset, or
  /// neither, which means UTC.
  static func nanoseconds(of text: some StringProtocol) -> Int64? {
    let bytes = Array(text.utf8)
    func number(_ range: Range<Int>) -> Int? {
      guard range.upperBound <= bytes.count else { return nil }
      var value = 0
      for byte in bytes[range] {
        guard byte.digitValue < 10 else { return nil }
        value = value * 10 + Int(byte.digitValue)
      }
      return value
    }
    guard bytes.count >= 19, bytes[4] == 0x2D, bytes[7] == 0x2D,
      bytes[10] == UInt8(ascii: "T") || bytes[10] == 0x20, bytes[13] == 0x3A, bytes[16] == 0x3A,
      let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
      let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
      // What 64 bits of nanoseconds hold.
      (1700...2200).contains(year), hour < 24, minute < 60, second <= 60,
      let days = CivilCalendar.days(year: year, month: month, day: day)
    else { return nil }
    var position = 19
    var fraction: Int64 = 0
    if position < bytes.count, bytes[position] == 0x2E {
      position += 1
      var scale: Int64 = 100_000_000
      while position < bytes.count, bytes[position].digitValue < 10 {
        fraction += Int64(bytes[position].digitValue) * scale
        scale /= 10
        position += 1
      }
    }
    var offset = 0
    switch bytes[position...].first {
    case nil: break
    case UInt8(ascii: "Z"): position += 1
    case UInt8(ascii: "+"), UInt8(ascii: "-"):
      guard let hours = number(position + 1..<position + 3),
        let minutes = number(position + 4..<position + 6), bytes[position + 3] == 0x3A
      else { return nil }
      offset = (hours * 60 + minutes) * (bytes[position] == UInt8(ascii: "-") ? -60 : 60)
      position += 6
    default: return nil
    }
    guard position == bytes.count else { return nil }
    let seconds = Int64(hour * 3600 + minute * 60 + second - offset)
    return Int64(days) * dayNanoseconds + seconds * 1_000_000_000 + fraction
  }
}
