import Testing

@testable import Cairn

@Suite struct ByteMatchTests {
  @Test(arguments: 0..<50 as Range<UInt64>)
  func `vector and portable form find what a plain loop finds`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let bytes = (0..<65).map { _ in
      [0x7E, 0x5E, 0x00, 0x80, 0xFE, 0x7F, 0x61].randomElement(using: &random) ?? 0 as UInt8
    }
    let alphabet: [UInt8] = [0x7E, 0x00, 0x80, 0xFE, 0x7F]
    let first = alphabet.randomElement(using: &random) ?? 0
    let second = alphabet.randomElement(using: &random) ?? 0
    for needsSecond in [false, true] {
      var matches: UInt64 = 0
      var nonASCII: UInt64 = 0
      for index in 0..<64 {
        if bytes[index] == first, !needsSecond || bytes[index + 1] == second {
          matches |= 1 << UInt64(index)
        }
        if bytes[index] >= 0x80 { nonASCII |= 1 << UInt64(index) }
      }
      bytes.withUnsafeBytes { memory in
        guard let base = memory.baseAddress else { return }
        let vector = ByteMatch.pairs(
          at: base, first: first, second: second, needsSecond: needsSecond)
        let portable = ByteMatch.portablePairs(
          at: base, first: first, second: second, needsSecond: needsSecond)
        #expect(vector == (matches, nonASCII), "seed \(seed)")
        #expect(portable == (matches, nonASCII), "seed \(seed)")
      }
    }
  }
}
