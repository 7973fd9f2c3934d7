import Testing

@testable import Cairn

@Suite("Dates and times are read as Python's datetime reads them")
struct DateTimeParserTests {
  let iso = DateTimeParser(pattern: nil, zone: nil, rounds: false)

  @Test("Every day of 1900–2100 and no other", .enabled(if: ValueOracle.isAvailable))
  func everyDay() async throws {
    // For each year the days (from 1970) of its dates by month and day; what is missing is no date.
    let years = Array(1900...2100) + [1, 4, 100, 400, 1582, 9999]
    let answers = try await ValueOracle.run(
      """
      import datetime
      epoch = datetime.date(1970, 1, 1).toordinal()
      def day(y, m, d):
          try: return datetime.date(y, m, d).toordinal() - epoch
          except ValueError: return None
      print(json.dumps([[day(y, m, d) for m in range(14) for d in range(33)] for y in data]))
      """, input: years, as: [[Int32?]].self)
    let compact = DateTimeParser(pattern: try DateTimePattern("yyyyMMdd"), zone: nil, rounds: false)
    var wrong: [String] = []
    for (year, answer) in zip(years, answers) {
      for (place, expected) in answer.enumerated() {
        let (month, day) = (place / 33, place % 33)
        let digits = { (value: Int, width: Int) in
          String(repeating: "0", count: width - String(value).count) + String(value)
        }
        let parts = [digits(year, 4), digits(month, 2), digits(day, 2)]
        let text = parts.joined(separator: "-")
        let (days, defect) = text.parsed(Int32(0)) { iso.parseDate($0, into: &$1) }
        if (defect == .none ? days : nil) != expected { wrong.append(text) }
        let other = parts.joined().parsed(Int32(0)) { compact.parseDate($0, into: &$1) }
        if (other.defect == .none ? other.value : nil) != expected { wrong.append(text) }
        if let expected, LocalDate(days: expected).description != text { wrong.append(text) }
      }
    }
    #expect(wrong == [])
  }

  private struct Formatted: Encodable {
    var microseconds: [Int64]
    var formats: [String]
  }

  /// Patterns with Python's name for the same, and how much of a timestamp each keeps.
  static let patterns: [(pattern: String, strftime: String, keeps: Int64)] = [
    ("yyyyMMdd HHmmss", "%Y%m%d %H%M%S", 1_000_000),
    ("yyyyMMddHHmmssSSSSSS", "%Y%m%d%H%M%S%f", 1),
    ("dd.MM.yyyy HH:mm", "%d.%m.%Y %H:%M", 60_000_000),
    ("d/M/yyyy h:mm:ss a", "%-d/%-m/%Y %-I:%M:%S %p", 1_000_000),
    ("dd-MMM-yyyy", "%d-%b-%Y", 86_400_000_000),
    ("MMMM d, yyyy 'at' hh''mm a", "%B %-d, %Y at %I'%M %p", 60_000_000),
    ("EEE, dd MMM yyyy HH:mm:ss", "%a, %d %b %Y %H:%M:%S", 1_000_000),
    ("EEEE dd.MM.yyyy", "%A %d.%m.%Y", 86_400_000_000),
    ("yyyyDDD'T'HH", "%Y%jT%H", 3_600_000_000),
    ("yyyy-MM-dd'T'HH:mm:ss.SSSSSS", "%Y-%m-%dT%H:%M:%S.%f", 1),
    ("H:m:s d.M.y", "%-H:%-M:%-S %-d.%-m.%Y", 1_000_000),
  ]

  @Test("By pattern", .enabled(if: ValueOracle.isAvailable))
  func byPattern() async throws {
    var numbers = SeededNumbers()
    let range: ClosedRange<Int64> = -30_000_000_000_000_000...253_000_000_000_000_000
    let moments = (0..<400).map { _ in Int64.random(in: range, using: &numbers) }
    let texts = try await ValueOracle.run(
      """
      import datetime
      epoch = datetime.datetime(1970, 1, 1)
      print(json.dumps([[(epoch + datetime.timedelta(microseconds=m)).strftime(f)
                         for f in data['formats']] for m in data['microseconds']]))
      """,
      input: Formatted(microseconds: moments, formats: Self.patterns.map(\.strftime)),
      as: [[String]].self)
    var wrong: [String] = []
    for (place, pattern) in Self.patterns.enumerated() {
      let parser = DateTimeParser(
        pattern: try DateTimePattern(pattern.pattern), zone: nil, rounds: false)
      for (moment, texts) in zip(moments, texts) {
        let rest = moment % pattern.keeps
        let expected = moment - (rest < 0 ? rest + pattern.keeps : rest)
        for text in [texts[place], texts[place].uppercased()]
        where !pattern.pattern.contains("'a") || text == texts[place] {
          let (value, defect) = text.parsed(Int64(0)) { parser.parseTimestamp($0, into: &$1) }
          if defect != .none || value != expected {
            wrong.append("'\(text)' by '\(pattern.pattern)'")
          }
        }
      }
    }
    #expect(wrong == [])
  }

  @Test("Two-digit years turn at 69", .enabled(if: ValueOracle.isAvailable))
  func pivot() async throws {
    let texts = (0..<100).map { ($0 < 10 ? "0" : "") + "\($0)0301" }
    let answers = try await ValueOracle.run(
      """
      import datetime
      epoch = datetime.datetime(1970, 1, 1)
      print(json.dumps([(datetime.datetime.strptime(t, '%y%m%d') - epoch).days for t in data]))
      """, input: texts, as: [Int32].self)
    let parser = DateTimeParser(pattern: try DateTimePattern("yyMMdd"), zone: nil, rounds: false)
    for (text, expected) in zip(texts, answers) {
      #expect(text.parsed(Int32(0)) { parser.parseDate($0, into: &$1) } == (expected, .none))
    }
  }

  @Test(
    "Texts that do not match the pattern",
    arguments: [
      ("yyyyMMdd HHmmss", "20250129143022"), ("yyyyMMdd HHmmss", "20250129  143022"),
      ("yyyyMMdd HHmmss", "20250129 143022 "), ("yyyyMMdd HHmmss", "20250129 14302"),
      ("yyyyMMdd HHmmss", "2025012 9143022"), ("yyyyMMdd HHmmss", "20250129 246022"),
      ("yyyyMMdd HHmmss", "20250129 236060"), ("yyyyMMdd HHmmss", "00000000 000000"),
      ("yyyyMMdd HHmmss", "20250229 000000"), ("dd.MM.yyyy h:mm a", "01.01.2025 13:00 PM"),
      ("dd.MM.yyyy h:mm a", "01.01.2025 0:00 AM"), ("EEE dd.MM.yyyy", "Mon 29.01.2025"),
      ("dd MMM yyyy", "29 Foo 2025"), ("yyyyDDD", "2025366"), ("yyyyDDD", "2025000"),
      ("yyyy-MM-dd", "2025-1-29"), ("yyyy-MM-dd", "+025-01-29"),
    ])
  func mismatches(pattern: String, text: String) throws {
    let parser = DateTimeParser(pattern: try DateTimePattern(pattern), zone: nil, rounds: false)
    #expect(text.parsed(Int64(0)) { parser.parseTimestamp($0, into: &$1) }.defect == .notOfType)
  }

  @Test(
    "Patterns that make no sense",
    arguments: [
      ("", "neither a date nor a time"), ("yyyy-mm-dd", "year, month and day"),
      ("YYYY-MM-dd", "year of a week"), ("yyyyMMdd HHmmsss", "'sss'"), ("hh:mm", "needs 'a'"),
      ("HH:mm a", "'a' goes with 'h'"), ("dd.MM.yyyy 'at", "not closed"), ("yyyyMMddTHH", "'T'"),
      ("yyyyMMdd yyyy", "twice"), ("yyy-MM-dd", "'yyy'"), ("DDD", "year"), ("MM-dd", "year"),
      ("yyyyMMdd mmss", "hour"), ("HHss", "minute"), ("yyyyMMDD", "'dd'"),
      ("yyyyMMD", "day of the year"),
    ])
  func badPatterns(pattern: String, part: String) {
    let error = #expect(throws: DateTimePattern.Problem.self) { try DateTimePattern(pattern) }
    #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
  }

  @Test("ISO 8601 and nothing else", .enabled(if: ValueOracle.isAvailable))
  func isoTexts() async throws {
    var numbers = SeededNumbers()
    var texts = [
      "2025-01-29", "2025-01-29T", "2025-01-29 ", "2025-01-29T14", "2025-01-29T14:30",
      "2025-01-29T14:30Z", "2025-01-29 14:30:22", "2025-01-29 14:30:22.", "2025-01-29t14:30:22z",
      "2025-01-29T14:30:22.1234567", "2025-01-29T14:30:22.123456000", "2025-01-29T14:30:22,5",
      "2025-01-29T24:00", "2025-01-29T23:59:60", "0000-01-01", "2025-01-29T14:30:22+07",
      "2025-01-29T14:30:22+0700", "2025-01-29T14:30:22 +07:00", "2025-01-29T14:30:22-03:30",
      "2025-01-29T14:30:22+24:00", "2025-01-29T14:30:22+07:60", "2025-01-29T14:30:22+7",
      "14:30", "14:30:22.5", "2025-1-29", "20250129", "2025-01-29T14:30:22ZZ", "2025/01/29",
    ]
    let pieces = (0...9).map(String.init) + ["-", ":", "T", " ", "Z", "+", ".", "00", "12"]
    let seeds = texts
    for _ in 0..<4000 {
      var text = Array(seeds[Int.random(in: 0..<seeds.count, using: &numbers)])
      for _ in 0..<Int.random(in: 1...2, using: &numbers) where !text.isEmpty {
        let place = Int.random(in: 0..<text.count, using: &numbers)
        text[place] = Character(String(pieces[Int.random(in: 0..<19, using: &numbers)].prefix(1)))
      }
      texts.append(String(text))
    }
    let answers = try await ValueOracle.run(
      """
      import datetime, re
      form = re.compile(r'(\\d{4})-(\\d\\d)-(\\d\\d)(?:[Tt ](\\d\\d):(\\d\\d)(?::(\\d\\d)(?:[.,](\\d+))?)?'
                        r'(?: ?(?:([Zz])|([-+])(\\d\\d)(?::?(\\d\\d))?))?)?', re.ASCII)
      epoch = datetime.datetime(1970, 1, 1)
      def read(text):
          m = form.fullmatch(text)
          if not m: return 'notOfType'
          g = m.groups()
          f = (g[6] or '').ljust(6, '0')
          try: t = datetime.datetime(*[int(x or 0) for x in g[:6]], int(f[:6]))
          except ValueError: return 'notOfType'
          if g[9] and (int(g[9]) > 23 or int(g[10] or 0) > 59): return 'notOfType'
          if f[6:].strip('0'): return 'surplusDigits'
          us = (t - epoch) // datetime.timedelta(microseconds=1)
          if g[7]: return f'{us} offset'
          if g[8]:
              off = (int(g[9]) * 60 + int(g[10] or 0)) * 60_000_000
              return f'{us - off if g[8] == "+" else us + off} offset'
          return str(us)
      print(json.dumps([read(t) for t in data]))
      """, input: texts, as: [String].self)
    var wrong: [String] = []
    for (text, answer) in zip(texts, answers) {
      let instant = text.parsed(Int64(0)) { iso.parseInstant($0, into: &$1) }
      let local = text.parsed(Int64(0)) { iso.parseTimestamp($0, into: &$1) }
      let agrees: Bool
      if answer.hasSuffix(" offset") {
        agrees =
          "\(instant.value) offset" == answer && instant.defect == .none
          && local.defect == .withOffset
      } else if let value = Int64(answer) {
        agrees = local == (value, .none) && instant.defect == .withoutOffset
      } else {
        agrees = "\(local.defect)" == answer && "\(instant.defect)" == answer
      }
      if !agrees { wrong.append("'\(text)': \(instant), \(local) instead of \(answer)") }
    }
    #expect(wrong == [])
  }

  @Test("A fraction beyond microseconds is rounded where the job says so, half up")
  func fractions() {
    let rounding = DateTimeParser(pattern: nil, zone: nil, rounds: true)
    let texts: [(String, Int64?)] = [
      ("00:00:00.1234564", 123_456), ("00:00:00.1234565", 123_457), ("00:00:00.9999999", 1_000_000),
      ("23:59:59.9999999", nil),
    ]
    for (text, expected) in texts {
      let (value, defect) = text.parsed(Int64(0)) { rounding.parseTime($0, into: &$1) }
      #expect((defect == .none ? value : nil) == expected, "\(text)")
      #expect(text.parsed(Int64(0)) { iso.parseTime($0, into: &$1) }.defect == .surplusDigits)
    }
  }

  @Test(
    "A date may come with midnight, but not with another time",
    arguments: [
      ("2025-01-29T00:00:00", true), ("2025-01-29 00:00", true), ("2025-01-29T00:00:01", false),
      ("2025-01-29T00:00:00Z", false), ("2025-01-29T00:00:00.0000001", false),
    ])
  func datesWithTime(text: String, isDate: Bool) {
    #expect((text.parsed(Int32(0)) { iso.parseDate($0, into: &$1) }.defect == .none) == isDate)
  }
}
