import Foundation
import Parquet
import Testing

/// The code of the documentation's first article.
@Suite struct FirstFileTests {
  /// Runs it. What is between the marks is the article's, word for word.
  private func firstFile(_ path: String, print: (Any) -> Void) throws {
    // article: begin
    struct Price: Codable {
      var symbol: String
      var bid: Double
      var ask: Double?
    }

    var writer = try RowWriter(to: FileOutput(path: path), of: Price.self)
    try writer.write(Price(symbol: "EURUSD", bid: 1.0842, ask: 1.0844))
    try writer.write(Price(symbol: "GBPUSD", bid: 1.2671))
    try writer.finish()

    try FileReader(path: path).rows(as: Price.self).all().forEach { print($0) }
    // article: end
  }

  /// The part about columns, of a file that is there.
  private func firstColumn(_ path: String, print: (Any) -> Void) throws {
    // columns: begin
    let reader = try FileReader(path: path)
    let column = try reader.readColumn(1, rowGroup: 0)
    if case .double(let values) = column.values {
      var bids = values
      if let indices = column.indices {
        bids = indices.filter { $0 != ColumnVector.null }.map { values[Int($0)] }
      }
      print(bids.reduce(0, +) / Double(bids.count))
    }
    // columns: end
  }

  /// The mean is that of all rows, however they are stored.
  @Test(arguments: [false, true]) func meansAreOfRows(isDictionary: Bool) throws {
    struct Price: Encodable {
      var symbol: String
      var bid: Double?
    }
    let folder = try TemporaryFolder()
    let path = folder.url.appending(path: "prices.parquet").path
    var writer = try RowWriter(
      to: FileOutput(path: path), of: Price.self,
      options: WriterOptions(columnEncodings: ["bid": isDictionary ? .rleDictionary : .plain]))
    for row in 0..<100 { try writer.write(Price(symbol: "A", bid: row % 4 == 0 ? 3 : 1)) }
    try writer.write(Price(symbol: "B", bid: nil))
    try writer.finish()
    var printed: [String] = []
    try firstColumn(path) { printed.append("\($0)") }
    #expect(printed == ["1.5"])
  }

  @Test func writesAndReadsWhatItSays() throws {
    let folder = try TemporaryFolder()
    var printed: [String] = []
    let path = folder.url.appending(path: "prices.parquet").path
    try firstFile(path) { printed.append("\($0)") }
    #expect(
      printed == [
        #"Price(symbol: "EURUSD", bid: 1.0842, ask: Optional(1.0844))"#,
        #"Price(symbol: "GBPUSD", bid: 1.2671, ask: nil)"#,
      ])
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
    #expect(left == ["prices.parquet"])
  }

  @Test(arguments: ["article", "columns"]) func isTheArticle(part: String) throws {
    let here = URL(filePath: #filePath)
    let article = here.deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
      .appending(path: "Sources/Parquet/Parquet.docc/FirstFile.md")
    let source = try String(contentsOf: here, encoding: .utf8)
    let lines = source.split(separator: "\n", omittingEmptySubsequences: false)
    let begin = try #require(lines.firstIndex { $0.hasSuffix("// \(part): begin") })
    let end = try #require(lines.firstIndex { $0.hasSuffix("// \(part): end") })
    let code = lines[(begin + 1)..<end].map { $0.dropFirst(4) }.joined(separator: "\n")
    let text = try String(contentsOf: article, encoding: .utf8)
    #expect(text.contains("```swift\n\(code)\n```"))
  }
}
