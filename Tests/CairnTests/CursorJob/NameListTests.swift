import Testing

@testable import Cairn

@Suite struct NameListTests {
  @Test func namesAreWithoutWhatTheyShare() {
    #expect(NameList.encode(["apache/arrow", "apache/avro"]) == "0apache/arrow\n8vro")
    #expect(NameList.encode([]) == "")
    #expect(NameList.encode(["a", "a", "ab"]) == "0a\n1\n1b")
  }

  /// É and Ê begin with the same byte, and é may be one scalar or two.
  @Test func scalarsAreSharedWhole() {
    #expect(NameList.encode(["É", "Ê"]) == "0É\n0Ê")
    #expect(NameList.encode(["x/😀a", "x/😀b", "x/😁"]) == "0x/😀a\n3b\n2😁")
  }

  @Test(arguments: [
    ["a/\(String(repeating: "n", count: 61))", "a/\(String(repeating: "n", count: 200))"],
    ["é", "e\u{301}", "e\u{301}\u{302}"], ["b", "a"], ["\"quoted\"", "\\", "\u{0}", "日本", "日本語"],
  ])
  func namesComeBack(names: [String]) throws {
    let found = try #require(NameList.decode(NameList.encode(names)))
    #expect(found.map { Array($0.unicodeScalars) } == names.map { Array($0.unicodeScalars) })
  }
}
