import Testing

@testable import Cairn

@Suite("Numbers are read as Python's decimal and float read them")
struct NumberParserTests {
  /// Texts that are numbers, nearly numbers, and at the edges of their types.
  static func texts(using numbers: inout SeededNumbers, decimal: String, thousands: String?)
    -> [String]
  {
    var texts = [
      "", "-", "+", decimal, "-" + decimal, "0", "-0", "00", "1-", "-1-", "+1", "+-1", "1 ", "1e",
      "1e5", "1E+5", "1e-5", "1e400", "1e-400", "1e99999999999", "0e99999999999", "1" + decimal,
      decimal + "5", "0" + decimal + "5", "0" + decimal + "05", "2147483647", "2147483648",
      "-2147483648", "-2147483649", "9223372036854775807", "9223372036854775808",
      "-9223372036854775808", "-9223372036854775809", "9007199254740993",
      "9007199254740992" + decimal + "5", "1797693134862315808e293", "17976931348623157e292",
      "49406564584124654e-340", "24703282292062327e-340", "nan", "inf", "Infinity", "0x10", "1_000",
      "12" + decimal + "5-", "1e5-", "99999999999999999999999999999999999999",
      "100000000000000000000000000000000000000",
      "1" + decimal + "0000000000000000000000000000000000000000",
      "0" + decimal + "0000000000000000000000000000000000000001", "999" + decimal + "9995",
      "999" + decimal + "9994", "-999" + decimal + "9995", "0" + decimal + "0005",
      "0" + decimal + "00049999", "1" + decimal + "2345e3", "123456789012345678" + decimal + "5",
    ]
    if let thousands {
      texts += [
        "1\(thousands)234", "1\(thousands)23", "12\(thousands)345\(thousands)678\(decimal)9",
        "1234\(thousands)567", "\(thousands)123", "123\(thousands)", "1\(thousands)\(thousands)234",
        "1\(thousands)234\(decimal)5\(thousands)6", "0\(thousands)001", "1\(thousands)234-",
      ]
    }
    let digits = (0...9).map(String.init)
    for _ in 0..<3000 {
      let whole = numbers.text(of: digits, most: 25)
      let fraction = numbers.text(of: digits + ["0", "0", "5"], most: 8)
      switch Int.random(in: 0..<6, using: &numbers) {
      case 0: texts.append(whole)
      case 1: texts.append("-" + whole + decimal + fraction)
      case 2: texts.append(whole.prefix(9) + decimal + fraction)
      case 3:
        texts.append(
          whole.prefix(5) + decimal + fraction + "e\(Int.random(in: -40...40, using: &numbers))")
      case 4: texts.append(whole.prefix(12) + decimal + fraction + "-")
      default:
        texts.append(
          numbers.text(of: digits + [decimal, "-", "+", "e", thousands ?? "x"], most: 9))
      }
    }
    return texts
  }

  private struct Input: Encodable {
    var texts: [String]
    var decimal: String
    var thousands: String?
    var types: [[Int]]
  }

  /// Per text: per numeric type the exact and the rounded value or the defect; integer and bigint;
  /// the double's shortest form.
  private struct Answer: Decodable {
    var numerics: [[String]]
    var integer: String
    var bigint: String
    var double: String
  }

  static let script = """
    import re
    from decimal import Decimal, localcontext, ROUND_HALF_UP
    dec, tho = re.escape(data['decimal']), data.get('thousands')
    whole = r'[0-9]*'
    if tho: whole = r'(?:[0-9]*|[0-9]{1,3}(?:%s[0-9]{3})+)' % re.escape(tho)
    leading = re.compile(r'([-+]?)(%s)(?:%s([0-9]*))?(?:[eE]([-+]?[0-9]+))?' % (whole, dec))
    trailing = re.compile(r'()(%s)(?:%s([0-9]*))?()-' % (whole, dec))
    def number(text):
        for pattern in (leading, trailing):
            m = pattern.fullmatch(text)
            if m:
                digits = (m.group(2) or '').replace(tho or ' ', '')
                if not digits and not m.group(3): continue
                sign = '-' if m.group(1) == '-' or pattern is trailing else ''
                e = max(-10**6, min(10**6, int(m.group(4) or 0)))
                return sign + (digits or '0') + '.' + (m.group(3) or '0') + 'e' + str(e)
        return None
    def fixed(n, precision, scale, rounds):
        if n is None: return 'notOfType'
        with localcontext() as c:
            c.prec, c.Emax, c.Emin = 4000, 999999999, -999999999
            v = Decimal(n)
            if v == 0: return '0'
            if v.adjusted() >= precision - scale: return 'outOfRange'
            if v.adjusted() < -3000: return '0' if rounds else 'surplusDigits'
            q = v.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP)
            if q != v and not rounds: return 'surplusDigits'
            i = int(q.scaleb(scale))
            return str(i) if abs(i) < 10**precision else 'outOfRange'
    def ranged(text, bits):
        if not re.fullmatch(r'-?[0-9]+', text): return text
        return text if -2**(bits-1) <= int(text) < 2**(bits-1) else 'outOfRange'
    def real(n):
        if n is None: return 'notOfType'
        f = float(n)
        return 'outOfRange' if f in (float('inf'), float('-inf')) else f.hex()
    answers = []
    for text in data['texts']:
        n = number(text)
        answers.append({
            'numerics': [[fixed(n, p, s, False), fixed(n, p, s, True)] for p, s in data['types']],
            'integer': ranged(fixed(n, 38, 0, False), 32),
            'bigint': ranged(fixed(n, 38, 0, True), 64),
            'double': real(n)})
        answers[-1]['numerics'] = [x for pair in answers[-1]['numerics'] for x in pair]
        answers[-1]['numerics'] = [answers[-1]['numerics'][i:i+2] for i in range(0, len(answers[-1]['numerics']), 2)]
    print(json.dumps(answers))
    """

  @Test(
    "In every notation", .enabled(if: ValueOracle.isAvailable),
    arguments: [(".", nil), (",", "."), (".", ","), (",", " ")] as [(String, String?)])
  func everyNotation(decimal: String, thousands: String?) async throws {
    var numbers = SeededNumbers()
    let types = [[18, 3], [5, 2], [38, 0], [38, 38], [1, 0], [38, 10]]
    let texts = Self.texts(using: &numbers, decimal: decimal, thousands: thousands)
    let answers = try await ValueOracle.run(
      Self.script,
      input: Input(texts: texts, decimal: decimal, thousands: thousands, types: types),
      as: [Answer].self)
    let format = try SourceOptions(decimal: decimal, thousands: thousands).numberFormat()
    var wrong: [String] = []
    func compare(_ found: String, _ expected: String, _ what: @autoclosure () -> String) {
      if found != expected { wrong.append("\(what()): \(found) instead of \(expected)") }
    }
    let exact = IntegerParser(format: format, rounds: false)
    let rounding = IntegerParser(format: format, rounds: true)
    let double = DoubleParser(format: format)
    for (text, answer) in zip(texts, answers) {
      for (type, expected) in zip(types, answer.numerics) {
        for (rounds, expected) in zip([false, true], expected) {
          let parser = NumericParser(
            format: format, precision: type[0], scale: type[1], rounds: rounds)
          let (value, defect) = text.parsed(Int128(0)) { parser.parse($0, into: &$1) }
          compare(
            defect == .none ? "\(value)" : "\(defect)", expected,
            "'\(text)' as numeric(\(type[0]),\(type[1])), rounds: \(rounds)")
        }
      }
      let (integer, integerDefect) = text.parsed(Int32(0)) { exact.parse($0, into: &$1) }
      compare(
        integerDefect == .none ? "\(integer)" : "\(integerDefect)", answer.integer,
        "'\(text)' as integer")
      let (bigint, bigintDefect) = text.parsed(Int64(0)) { rounding.parse($0, into: &$1) }
      compare(
        bigintDefect == .none ? "\(bigint)" : "\(bigintDefect)", answer.bigint,
        "'\(text)' as bigint")
      let (real, realDefect) = text.parsed(0.0) { double.parse($0, into: &$1) }
      let expected = Double(answer.double).map { "\($0 + 0)" } ?? answer.double
      compare(
        realDefect == .none ? "\(real + 0)" : "\(realDefect)", expected, "'\(text)' as double")
    }
    #expect(wrong == [])
  }
}
