// Feeds any text to the cutter and the parser, and compares with the slow oracle of the tests.
// Built by Scripts/fuzz-parser.sh.

@testable import Cairn

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The first bytes of an input say how the rest is to be parsed.
private let optionBytes = 6

/// Parses a text that is `count` bytes at `start`, in several ways that must agree.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRowParser(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = Array(UnsafeBufferPointer(start: start, count: count))
  guard input.count >= optionBytes else { return 0 }
  let delimiters = RandomText.delimiters
  var text = RandomText(
    bytes: Array(input[optionBytes...]), delimiter: delimiters[Int(input[0]) % delimiters.count],
    quote: input[1] & 1 == 0 ? nil : 0x22, columns: [1, 2, 3, 5, 20][Int(input[1] >> 1) % 5])
  text.layout.encoding = TextEncoding.allCases[Int(input[2]) % 3]
  text.layout.maximumFieldBytes = [1, 12, 40, 16 << 20][Int(input[2] >> 4) % 4]
  let limits = ChunkLimits(rows: Int(input[3] % 40) + 1, bytes: Int(input[4]) * 8 + 1)

  let expected = RowReading.expected(text)
  guard let outcome = try? RowReading(text, limits: limits, block: Int(input[5]) + 1) else {
    stop("the text cannot be read")
  }
  requireEqual(outcome.rows, expected)
  checkTiling(outcome, text)
  guard let other = try? RowReading(text, limits: limits, block: 4096) else {
    stop("the text cannot be read in large blocks")
  }
  requireEqual(other.rows, outcome.rows)
  requireEqual(other.extents, outcome.extents)
  requireEqual(other.digests, outcome.digests)
  if !outcome.extents.isEmpty {
    let extent = outcome.extents[count % outcome.extents.count]
    guard let rest = try? RowReading(text, at: extent.end, limits: limits, block: 7) else {
      stop("the text cannot be read from chunk \(extent.end.chunk) on")
    }
    requireEqual(rest.rows, Array(outcome.rows[Int(extent.end.row)...]))
    requireEqual(rest.extents, Array(outcome.extents[extent.end.chunk...]))
  }
  return 0
}

/// Stops the fuzzer; a precondition would not say why in an optimised build.
private func stop(_ message: String) -> Never {
  print(message)
  fflush(nil)
  abort()
}

private func requireEqual<Element: Equatable>(_ found: [Element], _ expected: [Element]) {
  if let difference = RowReading.difference(found, expected) { stop(difference) }
}

/// Extents follow each other without a gap, from the start to the end.
private func checkTiling(_ outcome: RowReading, _ text: RandomText) {
  var position = SourcePosition.start
  for extent in outcome.extents {
    precondition(extent.start == position)
    precondition(extent.end.chunk == position.chunk + 1 && extent.end.offset >= position.offset)
    position = extent.end
  }
  precondition(position.offset == UInt64(text.bytes.count))
  precondition(position.row == UInt64(outcome.rows.count))
}

/// Writes random texts as first inputs, where the script asks for them.
@_cdecl("LLVMFuzzerInitialize")
public func writeSeeds(
  _ count: UnsafeMutablePointer<CInt>?,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>?
) -> CInt {
  guard let folder = getenv("PARSER_FUZZ_SEEDS") else { return 0 }
  for seed in 0..<200 as Range<UInt64> {
    let text = RandomText(seed: seed)
    let delimiter = RandomText.delimiters.firstIndex(of: text.layout.delimiter) ?? 0
    let columns = [1, 2, 3, 5, 20].firstIndex(of: text.columns) ?? 0
    let options: [UInt8] = [
      UInt8(delimiter), UInt8(columns << 1) | (text.layout.quote == nil ? 0 : 1),
      UInt8(seed % 3) | UInt8(seed % 4) << 4, UInt8(seed % 40), UInt8(seed % 256), 30,
    ]
    guard let file = fopen("\(String(cString: folder))/\(seed)", "w") else { continue }
    let bytes = options + text.bytes
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
  }
  return 0
}
