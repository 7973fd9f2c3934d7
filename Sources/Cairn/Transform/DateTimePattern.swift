/// A pattern that dates and times are written in, of Unicode TR 35 letters, compiled.
///
/// | letters | stand for |
/// |---|---|
/// | `yyyy`, `y` | the year, four digits; 1 to 4 digits |
/// | `yy` | its last two digits: 00…68 are 2000…2068, 69…99 are 1969…1999 (as POSIX has it) |
/// | `MM`, `M` | the month, two digits; 1 or 2 |
/// | `MMM`, `MMMM` | its English name, three letters or in full, in either case |
/// | `dd`, `d` | the day, two digits; 1 or 2 |
/// | `DDD`, `D` | the day of the year, three digits; 1 to 3 |
/// | `EEE`, `EEEE` | the English name of the weekday, which must be right |
/// | `HH`, `H`, `hh`, `h` | the hour of 0…23; of 1…12, with `a` |
/// | `a` | AM or PM, in either case |
/// | `mm`, `m`, `ss`, `s` | minute and second |
/// | `S`, `SSS`, … | that many digits of the second's fraction |
/// | `X`, `XX`, `XXX`, `x`…, `Z` | the offset from UTC: `Z`, `±hh`, `±hhmm`, `±hh:mm` |
///
/// Text in `'quotes'` stands for itself (`''` is a quote), and so does what is no letter. A field
/// of one letter that is followed by another of digits at once has to have as many digits as
/// letters.
struct DateTimePattern: Sendable {
  /// What a pattern can tell.
  struct Contents: OptionSet, Sendable {
    var rawValue: UInt8
    static let date = Contents(rawValue: 1)
    static let time = Contents(rawValue: 2)
    static let offset = Contents(rawValue: 4)
  }

  private enum Number: Sendable {
    case year, month, day, dayOfYear, hour, hourOfHalfDay, minute, second
  }

  private enum Step: Sendable {
    /// Bytes of `literals`.
    case literal(start: Int, count: Int)
    case number(Number, minimum: Int, maximum: Int)
    case yearOfCentury
    case fraction(Int)
    case monthName(full: Bool)
    case weekday(full: Bool)
    case halfDay
    case offset
  }

  /// The pattern's text.
  let text: String
  /// What it tells.
  private(set) var contents: Contents = []
  private var steps: [Step] = []
  /// The bytes of all literals, apart so that steps hold nothing that is counted.
  private var literals: [UInt8] = []

  private static let months = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
  ].map { Array($0.utf8) }
  private static let weekdays = [
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
  ].map { Array($0.utf8) }

  /// Compiles a pattern.
  ///
  /// - Throws: ``Problem`` with what is wrong with it.
  init(_ text: String) throws(Problem) {
    self.text = text
    var literal: [UInt8] = []
    var letters = Set<Character>()
    var position = text.startIndex
    while position < text.endIndex {
      let letter = text[position]
      if letter == "'" {
        let start = text.index(after: position)
        guard let end = text[start...].firstIndex(of: "'") else {
          throw Problem("a quote is not closed")
        }
        literal += Array((start == end ? "'" : text[start..<end]).utf8)
        position = text.index(after: end)
        continue
      }
      guard letter.isASCII, letter.isLetter else {
        literal += Array(String(letter).utf8)
        position = text.index(after: position)
        continue
      }
      addLiteral(&literal)
      let end = text[position...].firstIndex { $0 != letter } ?? text.endIndex
      let count = text.distance(from: position, to: end)
      position = end
      guard letters.insert(letter).inserted else { throw Problem("'\(letter)' appears twice") }
      steps.append(try Self.step(letter, count: count))
    }
    addLiteral(&literal)
    fixWidths()
    try findContents(letters)
  }

  /// What is wrong with a pattern.
  struct Problem: Error {
    var message: String
    init(_ message: String) { self.message = message }
  }

  private mutating func addLiteral(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else { return }
    steps.append(.literal(start: literals.count, count: bytes.count))
    literals += bytes
    bytes = []
  }

  private static func step(_ letter: Character, count: Int) throws(Problem) -> Step {
    let written = String(repeating: letter, count: count)
    func number(_ field: Number, most: Int, single: Int) throws(Problem) -> Step {
      guard count == 1 || count == most else {
        throw Problem(
          "'\(written)' is not understood; '\(letter)' and "
            + "'\(String(repeating: letter, count: most))' are")
      }
      return .number(field, minimum: count, maximum: count == 1 ? single : count)
    }
    switch letter {
    case "y", "u":
      return count == 2 ? .yearOfCentury : try number(.year, most: 4, single: 4)
    case "M", "L":
      if count == 3 || count == 4 { return .monthName(full: count == 4) }
      return try number(.month, most: 2, single: 2)
    case "d": return try number(.day, most: 2, single: 2)
    case "D" where count == 2:
      throw Problem("'DD' is not understood; the day of the month is 'dd', that of the year 'DDD'")
    case "D": return try number(.dayOfYear, most: 3, single: 3)
    case "H": return try number(.hour, most: 2, single: 2)
    case "h": return try number(.hourOfHalfDay, most: 2, single: 2)
    case "m": return try number(.minute, most: 2, single: 2)
    case "s": return try number(.second, most: 2, single: 2)
    case "S": return .fraction(count)
    case "E": return .weekday(full: count == 4)
    case "a": return .halfDay
    case "X", "x", "Z": return .offset
    case "Y":
      throw Problem("'\(written)' is the year of a week; the calendar's year is 'yyyy'")
    default:
      throw Problem(
        "'\(written)' is not understood; letters that stand for themselves go in quotes: "
          + "'\(written)' in ' '")
    }
  }

  /// A field of digits right before another has a fixed width.
  private mutating func fixWidths() {
    for index in steps.indices.dropLast() {
      guard case .number(let field, let minimum, _) = steps[index] else { continue }
      switch steps[index + 1] {
      case .number, .yearOfCentury, .fraction:
        steps[index] = .number(field, minimum: minimum, maximum: minimum)
      default: break
      }
    }
  }

  private mutating func findContents(_ letters: Set<Character>) throws(Problem) {
    let hasYear = letters.contains("y") || letters.contains("u")
    let hasMonth = letters.contains("M") || letters.contains("L")
    if letters.contains("D") {
      guard !hasMonth, !letters.contains("d") else {
        throw Problem("'D' is the day of the year; with a month it is 'd'")
      }
    } else if hasMonth != letters.contains("d") || hasMonth != hasYear {
      throw Problem("a date needs year, month and day: 'y', 'M' and 'd'")
    }
    if hasYear { contents.insert(.date) }
    if letters.contains("D"), !hasYear { throw Problem("a date needs its year: 'y'") }
    if letters.contains("E"), !hasYear { throw Problem("'E' is checked against the date") }
    let halfDays = letters.contains("h")
    if halfDays, letters.contains("H") { throw Problem("'h' and 'H' are both the hour") }
    guard halfDays == letters.contains("a") else {
      throw Problem(
        halfDays ? "'h' is an hour of 1…12 and needs 'a'; one of 0…23 is 'H'" : "'a' goes with 'h'")
    }
    if halfDays || letters.contains("H") { contents.insert(.time) }
    if !contents.contains(.time), !letters.isDisjoint(with: ["m", "s", "S"]) {
      throw Problem("a time needs its hour: 'H'")
    }
    if letters.contains("s"), !letters.contains("m") {
      throw Problem("a second needs its minute: 'm'")
    }
    if letters.contains("S"), !letters.contains("s") {
      throw Problem("a fraction needs its second: 's'")
    }
    let offsets = letters.intersection(["X", "x", "Z"])
    guard offsets.count <= 1 else { throw Problem("the offset is given twice") }
    if !offsets.isEmpty { contents.insert(.offset) }
    guard !contents.isDisjoint(with: [.date, .time]) else {
      throw Problem("it has neither a date nor a time")
    }
  }

  /// Reads bytes that match the pattern from end to end; false when they do not.
  func parse(_ bytes: UnsafeRawBufferPointer, into fields: inout DateTimeFields) -> Bool {
    steps.withUnsafeBufferPointer { steps in
      literals.withUnsafeBufferPointer { literals in
        Self.parse(bytes, steps, literals, &fields)
      }
    }
  }

  private static func parse(
    _ bytes: UnsafeRawBufferPointer, _ steps: UnsafeBufferPointer<Step>,
    _ literals: UnsafeBufferPointer<UInt8>, _ fields: inout DateTimeFields
  ) -> Bool {
    var position = 0
    var hourOfHalfDay = -1
    var isAfternoon = false
    var weekday = -1
    for step in steps {
      switch step {
      case .literal(let start, let count):
        guard position + count <= bytes.count else { return false }
        for offset in 0..<count where bytes[position + offset] != literals[start + offset] {
          return false
        }
        position += count
      case .number(let field, let minimum, let maximum):
        var value = 0
        let start = position
        let end = min(bytes.count, position + maximum)
        while position < end {
          let digit = bytes[position].digitValue
          guard digit < 10 else { break }
          value = value * 10 + Int(digit)
          position += 1
        }
        guard position - start >= minimum else { return false }
        switch field {
        case .year: fields.year = value
        case .month: fields.month = value
        case .day: fields.day = value
        case .dayOfYear: fields.dayOfYear = value
        case .hour: fields.hour = value
        case .hourOfHalfDay:
          guard (1...12).contains(value) else { return false }
          hourOfHalfDay = value % 12
        case .minute: fields.minute = value
        case .second: fields.second = value
        }
      case .yearOfCentury:
        guard let value = fixedDigits(bytes, at: position, count: 2) else { return false }
        fields.year = value + (value < 69 ? 2000 : 1900)
        position += 2
      case .fraction(let count):
        guard position + count <= bytes.count,
          fields.setFraction(bytes, from: position, to: position + count)
        else { return false }
        position += count
      case .monthName(let full):
        guard let index = name(in: months, full: full, bytes, at: &position) else { return false }
        fields.month = index + 1
      case .weekday(let full):
        guard let index = name(in: weekdays, full: full, bytes, at: &position) else {
          return false
        }
        weekday = index
      case .halfDay:
        guard position + 2 <= bytes.count, bytes[position + 1].asciiLowercased == 0x6D else {
          return false
        }
        switch bytes[position].asciiLowercased {
        case 0x61: isAfternoon = false
        case 0x70: isAfternoon = true
        default: return false
        }
        position += 2
      case .offset:
        guard let offset = offsetSeconds(bytes, at: position) else { return false }
        fields.offset = offset.seconds
        position = offset.end
      }
    }
    guard position == bytes.count else { return false }
    if hourOfHalfDay >= 0 { fields.hour = hourOfHalfDay + (isAfternoon ? 12 : 0) }
    if weekday >= 0 {
      // 1970-01-01 was a Thursday, number 3 from Monday.
      guard let days = fields.days, (Int(days) % 7 + 10) % 7 == weekday else { return false }
    }
    return true
  }

  private static func name(
    in names: [[UInt8]], full: Bool, _ bytes: UnsafeRawBufferPointer, at position: inout Int
  ) -> Int? {
    for (index, name) in names.enumerated() {
      let length = full ? name.count : 3
      guard position + length <= bytes.count else { continue }
      var matches = true
      for offset in 0..<length where bytes[position + offset].asciiLowercased != name[offset] {
        matches = false
        break
      }
      if matches {
        position += length
        return index
      }
    }
    return nil
  }
}
