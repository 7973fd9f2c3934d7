@testable import Cairn

/// A random text with everything that makes parsing hard, and how it is to be parsed.
struct RandomText {
  var bytes: [UInt8] = []
  var layout: DelimitedText
  var columns: Int

  static let delimiters: [[UInt8]] = [
    Array(",".utf8), Array("~^".utf8), Array("\t".utf8), Array("||".utf8), Array("~~".utf8),
    Array("<->".utf8), Array("aab".utf8), Array("::=::=::".utf8), [0x01], [0xC2, 0xA7],
  ]

  init(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let delimiter = Self.delimiters[Int.random(in: 0..<Self.delimiters.count, using: &random)]
    let quote: UInt8? = Bool.random(using: &random) ? 0x22 : nil
    let encoding = TextEncoding.allCases.randomElement(using: &random) ?? .utf8
    columns = [1, 2, 3, 5, 20].randomElement(using: &random) ?? 3
    let fieldLimit = [12, 40, 16 << 20].randomElement(using: &random) ?? 40
    let lineEnd: [UInt8] = Bool.random(using: &random) ? [10] : [13, 10]
    let wildness = [0, 5, 40].randomElement(using: &random) ?? 5

    var header: [UInt8] = Bool.random(using: &random) ? [0xEF, 0xBB, 0xBF] : []
    header += Array("header".utf8) + lineEnd
    layout = DelimitedText(
      delimiter: delimiter, quote: quote, encoding: encoding, dataOffset: UInt64(header.count),
      dataLine: 2, maximumFieldBytes: fieldLimit)
    bytes = header
    let rowCount = Int.random(in: 0..<60, using: &random)
    let repeated = (0..<4).map { _ in Self.value(delimiter, quote, 0, &random) }
    for row in 0..<rowCount {
      var fields = columns
      if Int.random(in: 0..<100, using: &random) < wildness {
        fields = Int.random(in: 0...columns + 2, using: &random)
      }
      for field in 0..<fields {
        if field > 0 { bytes += delimiter }
        let value =
          Bool.random(using: &random)
          ? repeated.randomElement(using: &random) ?? []
          : Self.value(delimiter, quote, wildness, &random)
        bytes += Self.written(value, delimiter, quote, wildness, &random)
      }
      if row + 1 < rowCount || Bool.random(using: &random) { bytes += lineEnd }
      if Int.random(in: 0..<100, using: &random) < wildness { bytes += lineEnd }
    }
    while Int.random(in: 0..<3, using: &random) == 0 { bytes += lineEnd }
  }

  /// A field's value.
  private static func value(
    _ delimiter: [UInt8], _ quote: UInt8?, _ wildness: Int, _ random: inout SeededGenerator
  ) -> [UInt8] {
    var value: [UInt8] = []
    let length = [0, 1, 3, 7, 8, 9, 15, 16, 17, 18, 33, 50].randomElement(using: &random) ?? 0
    while value.count < length {
      switch Int.random(in: 0..<30, using: &random) {
      case 0: value += delimiter.prefix(Int.random(in: 0...delimiter.count, using: &random))
      case 1: value += Array("ä€😀".utf8)
      case 2 where wildness > 0: value.append(UInt8.random(in: 0x80...0xFF, using: &random))
      case 3: value.append(0x22)
      case 4 where quote != nil: value.append(10)
      case 5: value.append(13)
      case 6: value.append(0)
      default: value.append(UInt8.random(in: 0x61...0x66, using: &random))
      }
    }
    return value
  }

  /// A field as it is written, mostly properly.
  private static func written(
    _ value: [UInt8], _ delimiter: [UInt8], _ quote: UInt8?, _ wildness: Int,
    _ random: inout SeededGenerator
  ) -> [UInt8] {
    let isWild = Int.random(in: 0..<100, using: &random) < wildness
    guard let quote, !isWild,
      value.contains(quote) || value.contains(10) || Bool.random(using: &random)
    else { return isWild ? value : value.filter { $0 != 10 } }
    return [quote] + value.flatMap { $0 == quote ? [quote, quote] : [$0] } + [quote]
  }
}

extension RandomText {
  /// A text that is given.
  init(
    bytes: [UInt8], delimiter: [UInt8], quote: UInt8? = nil, columns: Int,
    maximumFieldBytes: Int = 16 << 20
  ) {
    self.bytes = bytes
    self.columns = columns
    layout = DelimitedText(
      delimiter: delimiter, quote: quote, dataOffset: 0, dataLine: 1,
      maximumFieldBytes: maximumFieldBytes)
  }
}
