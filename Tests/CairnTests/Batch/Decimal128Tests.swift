import Testing

@testable import Cairn

@Suite("Decimals agree with Python's decimal")
struct Decimal128Tests {
  private struct Answer: Decodable {
    var order: Int
    var text: String
    var normalized: String
  }

  @Test("Order, text and normal form", .enabled(if: ValueOracle.isAvailable))
  func compare() async throws {
    var numbers = SeededNumbers()
    var texts = [
      "0", "-0.00", "1", "1.0", "-1", "0.1", "99999999999999999999999999999999999999",
      "-99999999999999999999999999999999999999", "0.99999999999999999999999999999999999999",
      "1.0000000000000000000000000000000000000", "0.00000000000000000000000000000000000001",
    ]
    let digits = (0...9).map(String.init)
    for _ in 0..<500 {
      let whole = numbers.text(of: digits, most: 20)
      let fraction = numbers.text(of: digits + ["0"], most: 18)
      texts.append((Bool.random(using: &numbers) ? "-" : "") + whole + "." + fraction)
      texts.append(whole)
    }
    let pairs = (0..<2000).map { _ in
      [
        texts[Int.random(in: 0..<texts.count, using: &numbers)],
        texts[Int.random(in: 0..<texts.count, using: &numbers)],
      ]
    }
    let answers = try await ValueOracle.run(
      """
      from decimal import Decimal, getcontext
      getcontext().prec = 100
      def normal(d):
          t = format(d, 'f')
          if '.' in t: t = t.rstrip('0').rstrip('.')
          return '0' if t in ('-0', '') else t
      out = []
      for a, b in data:
          a, b = Decimal(a), Decimal(b)
          out.append({'order': (a > b) - (a < b), 'text': format(a if a else abs(a), 'f'), 'normalized': normal(a)})
      print(json.dumps(out))
      """, input: pairs, as: [Answer].self)
    var wrong: [String] = []
    for (pair, answer) in zip(pairs, answers) {
      guard let left = Decimal128(pair[0]), let right = Decimal128(pair[1]) else {
        wrong.append("\(pair) is not read")
        continue
      }
      let order = left < right ? -1 : left == right ? 0 : 1
      if order != answer.order { wrong.append("\(pair): order \(order)") }
      if left.description != answer.text { wrong.append("\(pair[0]): \(left)") }
      if left.normalized.description != answer.normalized {
        wrong.append("\(pair[0]): \(left.normalized)")
      }
      if left == right, left.hashValue != right.hashValue { wrong.append("\(pair): hashes differ") }
      if left.doubleValue != Double(pair[0]) ?? .nan { wrong.append("\(pair[0]): as a double") }
    }
    #expect(wrong == [])
  }

  @Test(
    "Texts that are no decimals of 38 digits",
    arguments: [
      "", "-", ".", "1,5", "1.5-", "1e39", "100000000000000000000000000000000000000", "0x1", " 1",
      "0.000000000000000000000000000000000000001", "nan",
    ])
  func notRead(text: String) { #expect(Decimal128(text) == nil) }

  @Test("Rescaling never loses a digit")
  func rescaled() {
    let number = Decimal128(unscaled: 1250, scale: 3)
    #expect(number.rescaled(to: 2) == Decimal128(unscaled: 125, scale: 2))
    #expect(number.rescaled(to: 2)?.scale == 2)
    #expect(number.rescaled(to: 1) == nil)
    #expect(number.rescaled(to: 38) == nil || number.rescaled(to: 38)?.scale == 38)
    #expect(Decimal128(unscaled: 10, scale: 0).rescaled(to: 38) == nil)
    #expect(number.rescaled(to: 39) == nil)
  }
}
