import Foundation
import Testing

@testable import Cairn

/// Quoted text against Python's csv module.
@Suite struct QuotingTests {
  @Test func `quoted texts parse as Python's csv module parses them`() async throws {
    let folder = try TemporaryFolder()
    var texts: [(text: String, rows: [[String]])] = []
    for seed in 0..<40 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      let columns = Int.random(in: 2...6, using: &random)
      let lineEnd = Bool.random(using: &random) ? "\n" : "\r\n"
      var text = ""
      for row in 0..<Int.random(in: 1...40, using: &random) {
        for column in 0..<columns {
          if column > 0 { text += "," }
          var value = ""
          for _ in 0..<Int.random(in: 0...20, using: &random) {
            value +=
              ["a", "b", "é", "😀", " ", ",", "\"", "\n", "\r\n", ";"].randomElement(using: &random)
              ?? ""
          }
          let mustQuote = value.contains { ",\"\n\r\r\n".contains($0) }
          let quotes = mustQuote || Bool.random(using: &random) || (row + column == 0)
          text += quotes ? "\"\(value.replacing("\"", with: "\"\""))\"" : value
        }
        text += lineEnd
      }
      if Bool.random(using: &random) { text.removeLast() }
      texts.append((text, []))
      _ = try folder.file("\(seed).csv", text)
    }
    let script = """
      import csv, json, sys
      print(json.dumps([list(csv.reader(open(f"{sys.argv[1]}/{i}.csv", newline="")))
        for i in range(int(sys.argv[2]))]))
      """
    let output = try await run("python3", ["-c", script, folder.url.path, "\(texts.count)"])
    let expected = try JSONDecoder().decode([[[String]]].self, from: Data(output))
    for (index, text) in texts.enumerated() {
      let columns = expected[index][0].count
      let random = RandomText(
        bytes: Array(text.text.utf8), delimiter: [0x2C], quote: 0x22, columns: columns)
      for limits in [ChunkLimits(rows: 3), ChunkLimits(rows: 1000, bytes: 64)] {
        let outcome = try RowReading(random, limits: limits, block: 50, piece: 13)
        let rows = outcome.rows.map {
          ($0.fields ?? []).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(rows == expected[index], "seed \(index)")
      }
    }
  }

  @Test(arguments: [
    // Text after a closing quote, an unclosed quote, an unclosed quote that swallows a good row.
    ("1,\"a\"b\n2,c\n", ["0 quoting", "2|c"]),
    ("1,\"a\n2,c\n", ["0 quoting", "2|c"]),
    ("1,\"a\n2,\"c\"\n3,d\n", ["0 quoting", "2|c", "3|d"]),
    ("1,a\"b\"\n", ["1|a\"b\""]),
    ("1,\"\"\n", ["1|"]),
    ("1,\"\"\"\"\n", ["1|\""]),
    ("1,\"x\ny\",z\n2,b\n", ["0 field_count", "2|b"]),
    ("1, \"a\"\n", ["1| \"a\""]),
  ])
  func `broken quoting costs one row`(text: String, expected: [String]) throws {
    let random = RandomText(bytes: Array(text.utf8), delimiter: [0x2C], quote: 0x22, columns: 2)
    for block in [1, 5, 100] {
      let outcome = try RowReading(
        random, limits: ChunkLimits(rows: 10), block: block, piece: 3)
      let rows = outcome.rows.enumerated().map { index, row in
        row.fields?.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "|")
          ?? "\(index) \(row.defect?.rule ?? "")"
      }
      #expect(rows == expected)
    }
  }
}
